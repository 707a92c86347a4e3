import { bind, connect, listen } from '@fairlead/udp'
import { expect, test } from 'vitest'

test.each([
  ['bind', 'messages', 'text'],
  ['bind', 'idleTimeout', 5],
  ['bind', 'validation', 'cookie'],
  ['listen', 'connectTimeout', 5],
  ['connect', 'broadcast', true],
  ['connect', 'reusePort', true],
  ['connect', 'maxSessions', 5],
] as const)('%s refuses the option %s, which another call has', async (call, name, value) => {
  const options = { port: 9, [name]: value } as never
  const open = { bind, connect, listen }[call] as (options: never) => Promise<unknown>
  await expect(open(options)).rejects.toThrow(`Invalid option ${name}: ${call} has none`)
})

test('a factor below one would not even let an echo through', async () => {
  for (const maxAmplification of [0.5, 0, -1, NaN]) {
    await expect(listen({ maxAmplification })).rejects.toThrow(/^Invalid option maxAmplification: /)
  }
})

test('a destination that is none is refused', async () => {
  await using socket = await bind()
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
  for (const to of [undefined, null, 9, '127.0.0.1']) {
    expect(() => write('x', to)).toThrow('Cannot send: to is not an address')
  }
})

test.skipIf(process.platform === 'win32')('a socket that would hear no group does not join one', async () => {
  await using own = await bind()
  expect(() => own.join('239.1.2.3')).toThrow(
    /^Cannot join 239\.1\.2\.3: a socket bound to 127\.0\.0\.1 hears no/,
  )
  await using groups = await bind({ host: '239.1.2.3', reuseAddr: true })
  expect(groups.join('239.1.2.3', { interfaces: ['127.0.0.1'] }).interfaces.length).toBe(1)
})
