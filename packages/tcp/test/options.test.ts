import { pair } from '@fairlead/core/memory'
import { reconnect as reconnectBy } from '@fairlead/core/reconnect'
import * as tcp from '@fairlead/tcp'
import { lend } from '@fairlead/tcp/node'
import { acceptProxy, sendProxy } from '@fairlead/tcp/proxy-protocol'
import { reconnect } from '@fairlead/tcp/reconnect'
import { describe, expect, test } from 'vitest'

import { meet } from './harness.ts'
import { a } from './tls/certificates.ts'

/** What a caller without types may pass. */
type Wrong = never

/** What a call throws or rejects with. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('it was taken')
}

/** Refused at the call, with an error that names the option. */
async function expectRefused(call: () => unknown, name: string): Promise<void> {
  const error = await errorOf(call)
  expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
  expect((error as Error).message).toMatch(
    new RegExp(`^Invalid options? (of )?${name.replaceAll('.', '\\.')}\\b`),
  )
}

const nothing = ['', null, 0, Number.NaN]

describe('a list of addresses', () => {
  // An empty variable of the environment must not let everybody in.
  test.each(nothing)('that is %j lets nobody in', async (value) => {
    await expectRefused(() => tcp.listen({ port: 0, allow: value as Wrong }), 'allow')
    await expectRefused(() => tcp.listen({ port: 0, deny: value as Wrong }), 'deny')
  })
})

test.each([...nothing, 'soon', {}, 5])('a signal that is %j is refused', async (value) => {
  const signal = value as Wrong
  await expectRefused(() => tcp.listen({ port: 0, signal }), 'signal')
  await expectRefused(() => tcp.connect({ port: 1, signal }), 'signal')
  await expectRefused(() => reconnect({ port: 1, signal }), 'signal')
  await expectRefused(() => pair()[0].close({ signal }), 'signal')
})

test.each([null, 5, 'x', undefined])('options that are %j are refused', async (value) => {
  const options = value as Wrong
  await expectRefused(() => tcp.listen(options), 'listen')
  await expectRefused(() => tcp.connect(options), 'connect')
  await expectRefused(() => acceptProxy(options), 'acceptProxy')
  if (value !== undefined) await expectRefused(() => sendProxy(options), 'sendProxy')
})

describe('what should be called and cannot be', () => {
  test.each([5, 'x', {}, null])('%j', async (value) => {
    const wrong = value as Wrong
    await expectRefused(() => tcp.listen({ port: 0 }, wrong), 'accept')
    await expectRefused(() => tcp.listen({ port: 0, prelude: wrong }), 'prelude')
    await expectRefused(() => tcp.listen({ port: 0, tls: { ...a, select: wrong } }), 'tls.select')
    await expectRefused(() => reconnect({ port: 1, retry: wrong }), 'retry')
    await expectRefused(() => reconnect({ port: 1, onRetry: wrong }), 'onRetry')
    await expectRefused(() => reconnect({ port: 1, backoff: { random: wrong } }), 'random')
    expect(await errorOf(() => reconnectBy(wrong))).toBeInstanceOf(TypeError)
    const { listener, server } = await meet()
    await expectRefused(() => lend(server, { onClose: wrong }), 'onClose')
    expect(server.state).toBe('open')
    await listener.close({ grace: 0 })
  })
})

test('what TLS and the PROXY protocol are given is looked at, too', async () => {
  const tls = (options: object): tcp.TlsClientOptions => options
  await expectRefused(() => tcp.connect({ port: 1, tls: tls({ sessions: {} }) }), 'tls.sessions')
  await expectRefused(() => tcp.connect({ port: 1, tls: tls({ sessions: null }) }), 'tls.sessions')
  await expectRefused(() => tcp.connect({ port: 1, tls: tls({ passphrase: 5 }) }), 'tls.passphrase')
  await expectRefused(
    () => tcp.listen({ port: 0, tls: { servers: { 'x.example': {} as Wrong } } }),
    'tls.servers',
  )
  await expectRefused(() => sendProxy({ source: null as Wrong, destination: null as Wrong }), 'source')
  const address = { kind: 'ip', family: 4, host: '127.0.0.1', port: 1 } as const
  await expectRefused(() => sendProxy({ source: address, destination: address, tlvs: 5 as Wrong }), 'tlvs')

  const { listener, client, server } = await meet()
  await expectRefused(() => tcp.startTls(server, a, { head: 5 as Wrong }), 'head')
  expect([server.state, client.state]).toEqual(['open', 'open'])
  await listener.close({ grace: 0 })
})
