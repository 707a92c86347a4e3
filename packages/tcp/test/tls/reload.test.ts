import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { portOf, textOf } from '../harness.ts'
import { a, b, ca, newA } from './certificates.ts'
import { dial, fingerprintOf, next, raw, serve } from './harness.ts'

/** The certificate that a new connection is shown. */
async function shown(
  { listener, port }: Awaited<ReturnType<typeof serve>>,
  serverName = 'a.example',
): Promise<string | undefined> {
  const [client] = await Promise.all([dial(port, { serverName }), next(listener)])
  const fingerprint = client.tls?.peerCertificate?.fingerprint256
  client.destroy()
  return fingerprint
}

describe('setTls', () => {
  test('shows new certificates to those who come, and drops nobody', async () => {
    const served = await serve()
    const { listener, port } = served
    const [client, server] = await Promise.all([dial(port), next(listener)])
    expect(client.tls?.peerCertificate?.fingerprint256).toBe(fingerprintOf(a.cert))

    await listener.setTls({ ...newA, servers: { 'b.example': b } })
    expect(await shown(served)).toBe(fingerprintOf(newA.cert))
    expect(await shown(served, 'b.example')).toBe(fingerprintOf(b.cert))

    client.write('still here')
    client.end()
    expect(await textOf(server)).toBe('still here')
    server.write('so am I')
    server.end()
    expect(await textOf(client)).toBe('so am I')
    await listener.close({ grace: 0 })
  })

  const bad: [string, object, RegExp][] = [
    [
      'a broken certificate',
      { ...newA, cert: 'nonsense' },
      /^Invalid option tls.cert: no PEM certificate in it$/,
    ],
    ['a key of another', { ...newA, key: b.key }, /^Invalid option tls.key: does not belong/],
    ['one bad among good ones', { ...newA, servers: { 'b.example': { ...b, key: '' } } }, /tls.servers/],
    ['nothing', {}, /^Invalid option tls.cert/],
    ['no object', undefined as unknown as object, /^Invalid option tls/],
  ]

  test.each(bad)('changes nothing for %s', async (_, tls, message) => {
    const served = await serve()
    const { listener } = served
    await expect(listener.setTls(tls)).rejects.toThrow(message)
    await expect(listener.setTls(tls)).rejects.toThrow(TypeError)
    expect(await shown(served)).toBe(fingerprintOf(a.cert))
    await listener.close({ grace: 0 })
  })

  test('a handshake under way ends with what it began with', async () => {
    let answer: (value: undefined) => void = () => {}
    let heard = (): void => {}
    const asked = new Promise<void>((resolve) => (heard = resolve))
    const answered = new Promise<undefined>((resolve) => (answer = resolve))
    const served = await serve({
      select() {
        heard()
        return answered
      },
    })
    const { listener, port } = served
    const attempt = dial(port)
    await asked
    await listener.setTls(newA)
    expect(await shown(served)).toBe(fingerprintOf(newA.cert))
    answer(undefined)
    const client = await attempt
    expect(client.tls?.peerCertificate?.fingerprint256).toBe(fingerprintOf(a.cert))
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('a hundred times in a row, with connections coming all the while, fails none', async () => {
    const served = await serve()
    const { listener } = served
    const fingerprints = new Set<string | undefined>()
    const changing = (async () => {
      for (let count = 0; count < 100; count++) await listener.setTls(count % 2 === 0 ? newA : a)
    })()
    for (let count = 0; count < 20; count++) fingerprints.add(await shown(served))
    await changing
    const known = new Set([fingerprintOf(a.cert), fingerprintOf(newA.cert)])
    expect([...fingerprints].every((it) => known.has(it ?? ''))).toBe(true)
    await expect.poll(() => listener.stats()).toMatchObject({ accepted: 20, refused: { handshake: 0 } })
    await listener.close({ grace: 0 })
  })

  test('is not for a plain listener', async () => {
    await using listener = await tcp.listen({ port: 0 })
    await expect(listener.setTls(a)).rejects.toThrow('Cannot set TLS: listener is plain')
    const socket = await raw(portOf(listener))
    socket.destroy()
  })

  test('changes the rules, too', async () => {
    const served = await serve()
    const { listener, port } = served
    await listener.setTls({ ...a, alpn: ['h2'], clientCertificate: 'request', ca })
    const [client, server] = await Promise.all([dial(port, { alpn: ['h2'] }), next(listener)])
    expect(client.tls?.alpn).toBe('h2')
    expect(server.tls?.authorizationError).toBe('no certificate')
    client.destroy()
    await listener.close({ grace: 0 })
  })
})
