import { ListenError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { listenFds } from '../src/descriptor.ts'
import { listen } from '../src/listen.ts'

const me = String(process.pid)

describe('listenFds', () => {
  test.each([
    [{}, []],
    [{ LISTEN_PID: me }, []],
    [{ LISTEN_FDS: '2' }, []],
    [{ LISTEN_PID: me, LISTEN_FDS: '0' }, []],
    [{ LISTEN_PID: me, LISTEN_FDS: '1' }, [{ fd: 3, name: 'unknown' }]],
    [
      { LISTEN_PID: me, LISTEN_FDS: '2', LISTEN_FDNAMES: 'web:chat' },
      [
        { fd: 3, name: 'web' },
        { fd: 4, name: 'chat' },
      ],
    ],
    [
      { LISTEN_PID: me, LISTEN_FDS: '2', LISTEN_FDNAMES: ':' },
      [
        { fd: 3, name: '' },
        { fd: 4, name: '' },
      ],
    ],
  ])('reads %j', (variables, expected) => {
    expect(listenFds({ ...variables })).toEqual(expected)
  })

  test('leaves alone what is meant for another process', () => {
    const env = { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' }
    expect(listenFds(env)).toEqual([])
    expect(env).toEqual({ LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' })
  })

  test('takes the variables out of the environment, so that they are read once', () => {
    const env = { LISTEN_PID: me, LISTEN_FDS: '1', LISTEN_FDNAMES: 'web', HOME: '/' }
    expect(listenFds(env)).toHaveLength(1)
    expect(env).toEqual({ HOME: '/' })
    expect(listenFds(env)).toEqual([])
  })

  test.each(['-1', '1.5', '0x2', 'many', '', '99999', '1'.repeat(40)])('refuses %j sockets', (count) => {
    expect(() => listenFds({ LISTEN_PID: me, LISTEN_FDS: count })).toThrow(ListenError)
  })

  test('refuses names that are not as many as the sockets', () => {
    const env = { LISTEN_PID: me, LISTEN_FDS: '2', LISTEN_FDNAMES: 'web' }
    expect(() => listenFds(env)).toThrow('Cannot take over sockets: 1 names in LISTEN_FDNAMES for 2')
  })
})

describe('a descriptor', () => {
  test('that is none, or no socket, is refused', async () => {
    const text = 'Cannot listen on descriptor 99999: it is no socket that can listen'
    await expect(listen({ fd: 99_999 })).rejects.toThrow(new ListenError(text))
  })

  test('stands alone, and is a number', async () => {
    await expect(listen({ fd: -1 })).rejects.toThrow(RangeError)
    await expect(listen({ fd: '3' as never })).rejects.toThrow(/Invalid option fd: 3 is not a descriptor/)
    await expect(listen({ fd: 3, port: 0 })).rejects.toThrow(/Invalid option fd: cannot stand beside/)
    await expect(listen({ fd: 3, path: 'x' })).rejects.toThrow(/Invalid option fd: cannot stand beside/)
    await expect(listen({ fd: 3, ipv6Only: true })).rejects.toThrow(/Invalid option ipv6Only/)
  })
})
