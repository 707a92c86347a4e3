import { describe, expect, test } from 'vitest'

import type { TlsClientOptions } from '../../src/tls/options.ts'
import { type TlsSession, TlsSessions } from '../../src/tls/sessions.ts'
import { alice, ca, newA } from './certificates.ts'
import { dial, next, serve } from './harness.ts'

const versions = ['TLSv1.2', 'TLSv1.3'] as const

/** Whether three connections, one after the other, took up the session of the one before; `between` runs before the last. */
async function resumptions(
  { listener, port }: Awaited<ReturnType<typeof serve>>,
  tls: Parameters<typeof dial>[1],
  between?: () => unknown,
): Promise<boolean[]> {
  const sessions = tls?.sessions ?? new TlsSessions()
  const resumed: boolean[] = []
  for (let count = 0; count < 3; count++) {
    if (count === 2) await between?.()
    const [client, server] = await Promise.all([dial(port, { ...tls, sessions }), next(listener)])
    // Sessions of TLSv1.3 come behind the handshake: data that was read shows that they have come.
    server.write('x')
    for await (const _ of client) break
    expect(server.tls?.resumed).toBe(client.tls?.resumed)
    resumed.push(client.tls?.resumed ?? false)
    client.destroy()
  }
  await listener.close({ grace: 0 })
  return resumed
}

describe.each(versions)('sessions of %s', (maxVersion) => {
  test('are taken up again, with the facts that they began with', async () => {
    const { listener, port } = await serve({ clientCertificate: 'require', ca })
    const sessions = new TlsSessions()
    for (const resumed of [false, true]) {
      const tls = { maxVersion, sessions, ...alice }
      const [client, server] = await Promise.all([dial(port, tls), next(listener)])
      server.write('x')
      for await (const _ of client) break
      expect(client.tls).toMatchObject({ resumed, authorized: true })
      expect(client.tls?.peerCertificate?.subject).toBe('CN=a.example')
      expect(server.tls).toMatchObject({ resumed, authorized: true })
      expect(server.tls?.peerCertificate?.subject).toBe('CN=alice')
      client.destroy()
    }
    await listener.close({ grace: 0 })
  })

  test('outlive a change of certificates', async () => {
    const served = await serve()
    const change = (): Promise<void> => served.listener.setTls(newA)
    expect(await resumptions(served, { maxVersion }, change)).toEqual([false, true, true])
  })

  test('do not outlive a change of the rules for clients', async () => {
    const served = await serve({ clientCertificate: 'request', ca })
    const change = (): Promise<void> =>
      served.listener.setTls({ ...newA, clientCertificate: 'require', ca: [ca, newA.cert] })
    expect(await resumptions(served, { maxVersion, ...alice }, change)).toEqual([false, true, false])
  })

  test('are not taken up by a client with other rules', async () => {
    const sessions = new TlsSessions()
    const { listener, port } = await serve()
    const visit = async (tls: Partial<TlsClientOptions>): Promise<boolean | undefined> => {
      const client = await dial(port, { maxVersion, sessions, ...tls })
      const server = await next(listener)
      server.write('x')
      for await (const _ of client) break
      const resumed = client.tls?.resumed
      client.destroy()
      return resumed
    }
    const lax = { checkServerIdentity: () => undefined }
    expect(await visit(lax)).toBe(false)
    expect(await visit(lax)).toBe(true)
    expect(await visit({})).toBe(false)
    expect(await visit({})).toBe(true)
    expect(await visit({ checkServerIdentity: () => undefined })).toBe(false)
    await listener.close({ grace: 0 })
  })

  test('are not kept when the server was not verified', async () => {
    const sessions = new TlsSessions()
    const served = await serve()
    const tls = { maxVersion, verify: false, serverName: 'b.example', sessions }
    expect(await resumptions(served, tls)).toEqual([false, false, false])
    expect(sessions.size).toBe(0)
  })
})

describe('the store of sessions', () => {
  const rules = 'these'
  const remembered = (text: string): TlsSession => ({
    ticket: Buffer.from(text),
    certificate: undefined,
    rules,
  })

  test('forgets what was not used for the longest time', () => {
    const sessions = new TlsSessions(2)
    TlsSessions.keep(sessions, 'a', remembered('1'))
    TlsSessions.keep(sessions, 'b', remembered('2'))
    TlsSessions.take(sessions, 'a', rules)
    TlsSessions.keep(sessions, 'c', remembered('3'))
    expect(['a', 'b', 'c'].filter((name) => TlsSessions.take(sessions, name, rules))).toEqual(['a', 'c'])
    expect(sessions.size).toBe(2)
    TlsSessions.forget(sessions, 'a')
    expect(sessions.size).toBe(1)
    sessions.clear()
    expect(sessions.size).toBe(0)
  })

  test('keeps the last session with a server', () => {
    const sessions = new TlsSessions(1)
    TlsSessions.keep(sessions, 'a', remembered('1'))
    TlsSessions.keep(sessions, 'a', remembered('2'))
    expect(TlsSessions.take(sessions, 'a', rules)).toEqual(remembered('2'))
  })

  test.each([0, -1, 1.5, Infinity])('a capacity of %s is refused', (capacity) => {
    expect(() => new TlsSessions(capacity)).toThrow(RangeError)
  })
})
