import { describe, expect, test } from 'vitest'

import * as errors from '../src/errors.ts'

const { BrokenError, ClosedError, ConnectError, LimitError, SocketError, TimeoutError } = errors

/** A second copy of the module, as a duplicate install would bring. */
async function duplicate(): Promise<typeof errors> {
  const path = '../src/errors.ts?copy'
  return (await import(/* @vite-ignore */ path)) as typeof errors
}

const kinds = {
  ConnectError: [new ConnectError('Cannot connect: nobody'), 'ERR_FAIRLEAD_CONNECT'],
  ListenError: [new errors.ListenError('Cannot listen: in use'), 'ERR_FAIRLEAD_LISTEN'],
  ClosedError: [new ClosedError('Cannot write: closed'), 'ERR_FAIRLEAD_CLOSED'],
  BrokenError: [new BrokenError('Cannot write: reset'), 'ERR_FAIRLEAD_BROKEN'],
  BusyError: [new errors.BusyError('Cannot read: busy'), 'ERR_FAIRLEAD_BUSY'],
  TimeoutError: [new TimeoutError('Cannot read: idle', { phase: 'idle' }), 'ERR_FAIRLEAD_TIMEOUT'],
  LimitError: [new LimitError('Too long', { limit: 'maxLength', value: 9 }), 'ERR_FAIRLEAD_LIMIT'],
  ProtocolError: [new errors.ProtocolError('Bad frame', { side: 'remote' }), 'ERR_FAIRLEAD_PROTOCOL'],
} as const

describe.each(Object.entries(kinds))('%s', (name, [error, code]) => {
  test('is a SocketError with its own name and code', () => {
    expect(error).toBeInstanceOf(SocketError)
    expect(error).toBeInstanceOf(Error)
    expect([error.name, error.code]).toEqual([name, code])
    expect(SocketError.is(error)).toBe(true)
    expect(String(error)).toBe(`${name}: ${error.message}`)
    expect('cause' in error).toBe(false)
  })

  test('is known to another copy of the package', async () => {
    const copy = await duplicate()
    expect(copy.SocketError).not.toBe(SocketError)
    expect(error instanceof copy.SocketError).toBe(false)
    expect(copy.SocketError.is(error)).toBe(true)
    expect(copy.SocketError.from(error)).toBe(error)
  })
})

test('carries the facts it was given', () => {
  const cause = new Error('under it')
  const peer = { kind: 'memory', name: 'echo' } as const
  const error = new BrokenError('Cannot write: reset', {
    code: 'ERR_OTHER',
    phase: 'write',
    peer,
    retryable: true,
    cause,
  })
  expect(error).toMatchObject({ code: 'ERR_OTHER', phase: 'write', peer, retryable: true, cause })
  expect(new ConnectError('x')).toMatchObject({ attempts: [], phase: 'connect', retryable: true })
  expect(kinds.LimitError[0]).toMatchObject({ limit: 'maxLength', value: 9, retryable: false })
  expect(kinds.TimeoutError[0].phase).toBe('idle')
  expect(kinds.ProtocolError[0].side).toBe('remote')
})

test('the brand is nothing that shows', () => {
  expect(Object.keys(new BrokenError('x')).toSorted()).toEqual(['code', 'name', 'retryable'])
})

test.each([undefined, null, 0, '', 'text', Symbol('x'), {}, new Error('x'), () => {}])(
  '%s is no SocketError',
  (value) => {
    expect(SocketError.is(value)).toBe(false)
    const error = SocketError.from(value, 'Cannot go on')
    expect(error).toBeInstanceOf(BrokenError)
    expect(error.cause).toBe(value)
    expect(error.message).toMatch(/^Cannot go on: /)
  },
)

test.each([
  ['has no prototype', Object.create(null)],
  [
    'throws when read',
    {
      toString: () => {
        throw new Error('trap')
      },
    },
  ],
  [
    'throws when asked for its message',
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('trap')
      },
    }),
  ],
])('makes an error of what %s', (_, value: unknown) => {
  expect(SocketError.from(value)).toMatchObject({ message: 'Connection failed: unknown', cause: value })
})

test('what throws when it is looked at is no error of ours, and can be told all the same', () => {
  const fail = (): never => {
    throw new Error('not for you')
  }
  const value: unknown = new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail })
  expect(SocketError.is(value)).toBe(false)
  expect(SocketError.from(value).message).toBe('Connection failed: unknown')
})
