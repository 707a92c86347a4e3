import { ProtocolError, SocketError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { portOf, textOf } from '../harness.ts'
import { a, alice, b, ca, mallory, newA } from './certificates.ts'
import { dial, fingerprintOf, meet, next, serve } from './harness.ts'

describe('TLS', () => {
  test('carries what is said, both ways, and says what was agreed on', async () => {
    const { listener, client, server } = await meet()
    client.write('question')
    client.end()
    expect(await textOf(server)).toBe('question')
    server.write('answer')
    server.end()
    expect(await textOf(client)).toBe('answer')
    expect(client.tls).toMatchObject({ protocol: 'TLSv1.3', authorized: true, resumed: false })
    expect(client.tls?.cipher).toMatch(/^TLS_/)
    expect(server.tls).toMatchObject({ protocol: 'TLSv1.3', serverName: 'a.example', authorized: false })
    expect(server.tls?.alpn).toBeUndefined()
    expect(server.tls?.peerCertificate).toBeUndefined()
    expect(await client.closed).toEqual({ kind: 'local' })
    expect(await server.closed).toEqual({ kind: 'remote' })
    expect(listener.stats()).toMatchObject({ accepted: 1, refused: { handshake: 0 } })
    await listener.close()
  })

  test('verifies an address as an address', async () => {
    const { listener, port } = await serve()
    await using client = await tcp.connect({ port, tls: { ca } })
    const server = await next(listener)
    expect(client.tls).toMatchObject({ authorized: true })
    expect(server.tls?.serverName).toBeUndefined()
    await listener.close({ grace: 0 })
  })

  test('shows the certificate of the peer, also when all is over', async () => {
    const { listener, client } = await meet()
    client.destroy()
    const certificate = client.tls?.peerCertificate
    expect(certificate).toMatchObject({
      subject: 'CN=a.example',
      issuer: 'CN=Test authority',
      subjectAltName: 'DNS:a.example, DNS:localhost, IP Address:127.0.0.1',
      fingerprint256: fingerprintOf(a.cert),
    })
    expect(Date.parse(certificate?.validTo ?? '')).toBeGreaterThan(Date.now())
    expect(certificate?.raw.byteLength).toBeGreaterThan(100)
    await listener.close({ grace: 0 })
  })

  test('speaks nothing older than TLSv1.2, and what is asked for', async () => {
    const { listener, port } = await serve({ maxVersion: 'TLSv1.2' })
    await using client = await dial(port)
    expect(client.tls?.protocol).toBe('TLSv1.2')
    await expect(dial(port, { minVersion: 'TLSv1.3' })).rejects.toMatchObject({
      attempts: [{ phase: 'tls', code: expect.stringMatching(/VERSION/) as string }],
    })
    await listener.close({ grace: 0 })
  })

  test('works over a Unix socket, where a name must be given', async () => {
    const path = `\0fairlead-tls-${process.pid}`
    await using listener = await tcp.listen({ path, tls: a })
    await expect(tcp.connect({ path, tls: { ca } })).rejects.toThrow(/Invalid option tls.serverName/)
    await using client = await tcp.connect({ path, tls: { ca, serverName: 'a.example' } })
    const server = await next(listener)
    client.write('ahoy')
    client.end()
    expect(await textOf(server)).toBe('ahoy')
    server.end()
  })
})

describe('server names', () => {
  const servers = { 'B.Example': b, '*.b.example': b }
  const byName = [
    { serverName: 'a.example', subject: 'CN=a.example' },
    { serverName: 'b.example', subject: 'CN=b.example' },
    { serverName: 'B.EXAMPLE.', subject: 'CN=b.example' },
    { serverName: 'x.b.example', subject: 'CN=b.example' },
    { serverName: 'localhost', subject: 'CN=a.example' },
  ]

  test.each(byName)('$serverName is $subject', async ({ serverName, subject }) => {
    const { listener, client, server } = await meet({ servers }, { serverName })
    expect(client.tls?.peerCertificate?.subject).toBe(subject)
    expect(server.tls?.serverName).toBe(serverName.toLowerCase().replace(/\.$/, ''))
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('a wildcard is one label and not more', async () => {
    const { listener, port } = await serve({ servers })
    await expect(dial(port, { serverName: 'x.y.b.example' })).rejects.toThrow(SocketError)
    await listener.close({ grace: 0 })
  })

  test('without a certificate for a name, and none besides, the handshake is refused', async () => {
    await using listener = await tcp.listen({ port: 0, tls: { servers } })
    const port = portOf(listener)
    await expect(dial(port)).rejects.toThrow(SocketError)
    await using client = await dial(port, { serverName: 'b.example' })
    expect(client.tls?.authorized).toBe(true)
    expect(listener.stats().refused.handshake).toBe(1)
    await listener.close({ grace: 0 })
  })

  test('select is asked for what the table lacks, and its answer may take a while', async () => {
    const asked: string[] = []
    const { listener, port } = await serve({
      servers: { 'b.example': b },
      select(name) {
        asked.push(name)
        if (name === 'x.b.example') return Promise.resolve(b)
        return name === 'y.b.example' ? b : undefined
      },
    })
    const subjects: (string | undefined)[] = []
    for (const serverName of ['b.example', 'X.b.example', 'y.b.example', 'a.example']) {
      const client = await dial(port, { serverName })
      subjects.push(client.tls?.peerCertificate?.subject)
      client.destroy()
    }
    expect(subjects).toEqual(['CN=b.example', 'CN=b.example', 'CN=b.example', 'CN=a.example'])
    expect(asked).toEqual(['x.b.example', 'y.b.example', 'a.example'])
    await listener.close({ grace: 0 })
  })

  const failing: { how: string; select: tcp.TlsServerOptions['select'] }[] = [
    {
      how: 'throws',
      select() {
        throw new Error('no idea')
      },
    },
    { how: 'throws what is no error', select: () => Promise.reject('no idea') },
    { how: 'rejects', select: () => Promise.reject(new Error('no idea')) },
    { how: 'answers nonsense', select: () => 7 as unknown as tcp.TlsIdentity },
    { how: 'answers with a broken certificate', select: () => ({ cert: 'x', key: 'y' }) },
    { how: 'answers with somebody else’s key', select: () => ({ cert: a.cert, key: b.key }) },
    {
      how: 'answers with what cannot even be looked at',
      select: () =>
        new Proxy(a, {
          get() {
            throw new Error('no idea')
          },
        }),
    },
    { how: 'never settles', select: () => new Promise(() => {}) },
  ]

  test.each(failing)('a select that $how costs that connection', async ({ select }) => {
    const { listener, port } = await serve({ ...(select && { select }) }, { handshakeTimeout: 500 })
    await expect(dial(port)).rejects.toThrow(SocketError)
    // An address is no server name: nobody is asked.
    await using client = await tcp.connect({ port, tls: { ca } })
    expect(client.tls?.authorized).toBe(true)
    await expect
      .poll(() => listener.stats())
      .toMatchObject({ accepted: 1, pending: 0, refused: { handshake: 1 } })
    await listener.close({ grace: 0 })
  })
})

describe('application protocols', () => {
  const both = { server: ['h2', 'http/1.1'] }

  test.each([
    { ...both, client: ['http/1.1', 'h2'], chosen: 'h2' },
    { ...both, client: ['http/1.1'], chosen: 'http/1.1' },
    { ...both, client: undefined, chosen: undefined },
    { server: undefined, client: ['h2'], chosen: undefined },
  ])('$server and $client make $chosen', async ({ server: offered, client: wanted, chosen }) => {
    const { listener, client, server } = await meet(offered && { alpn: offered }, wanted && { alpn: wanted })
    expect([client.tls?.alpn, server.tls?.alpn]).toEqual([chosen, chosen])
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('nothing in common is a refusal on both sides', async () => {
    const { listener, port } = await serve({ alpn: ['h2'] })
    const attempt = dial(port, { alpn: ['smtp'] })
    await expect(attempt).rejects.toMatchObject({
      attempts: [{ phase: 'tls', code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' }],
    })
    await expect.poll(() => listener.stats().refused.handshake).toBe(1)
    await listener.close()
  })
})

describe('client certificates', () => {
  const required = { clientCertificate: 'require', ca } as const

  test('one that is vouched for is on the connection', async () => {
    const { listener, client, server } = await meet(required, alice)
    expect(server.tls).toMatchObject({ authorized: true, peerCertificate: { subject: 'CN=alice' } })
    expect(server.tls?.authorizationError).toBeUndefined()
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test.each([
    { who: 'nobody', identity: {} },
    { who: 'a stranger', identity: mallory },
  ])('$who is refused where one is required', async ({ identity }) => {
    const { listener, port } = await serve(required)
    // With TLSv1.3 the client is done before the server has seen its certificate (RFC 8446 section 2).
    const heard = await dial(port, identity)
      .then(textOf)
      .catch((error: unknown) => error)
    expect(heard === '' || heard instanceof SocketError).toBe(true)
    await expect.poll(() => listener.stats()).toMatchObject({ accepted: 0, refused: { handshake: 1 } })
    await listener.close()
  })

  test.each([
    { who: 'nobody', identity: {}, facts: { authorized: false, authorizationError: 'no certificate' } },
    { who: 'alice', identity: alice, facts: { authorized: true, peerCertificate: { subject: 'CN=alice' } } },
    {
      who: 'mallory',
      identity: mallory,
      facts: { authorized: false, peerCertificate: { subject: 'CN=mallory' } },
    },
  ])('$who comes in where one is asked for', async ({ identity, facts }) => {
    const { listener, client, server } = await meet({ clientCertificate: 'request', ca }, identity)
    expect(server.tls).toMatchObject(facts)
    expect(typeof server.tls?.authorizationError).toBe(facts.authorized ? 'undefined' : 'string')
    client.destroy()
    await listener.close({ grace: 0 })
  })
})

describe('a client', () => {
  test('refuses a server that nobody vouches for, in words', async () => {
    const { listener, port } = await serve()
    const error = await tcp.connect({ port, tls: true }).catch((error: unknown) => error)
    expect(error).toMatchObject({
      attempts: [{ phase: 'tls', code: expect.stringMatching(/CERT|ISSUER|SIGNATURE/) as string }],
    })
    expect((error as Error).cause).toBeInstanceOf(ProtocolError)
    await listener.close({ grace: 0 })
  })

  test('refuses a server of another name, unless told to believe anybody', async () => {
    const { listener, port } = await serve()
    await expect(dial(port, { serverName: 'b.example' })).rejects.toMatchObject({
      attempts: [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    })
    await using client = await dial(port, { serverName: 'b.example', verify: false })
    expect(client.tls?.authorized).toBe(false)
    expect(client.tls?.authorizationError).toMatch(/ALTNAME|does not match/)
    await listener.close({ grace: 0 })
  })

  test.each([
    {
      how: 'throws',
      check: (): Error | undefined => {
        throw new Error('not mine')
      },
    },
    { how: 'answers with an error', check: () => new Error('not mine') },
    { how: 'answers with a promise', check: () => Promise.resolve() as unknown as undefined },
  ])('a check of identity that $how refuses', async ({ check }) => {
    const { listener, port } = await serve()
    await expect(dial(port, { checkServerIdentity: check })).rejects.toThrow(SocketError)
    await listener.close({ grace: 0 })
  })

  test('a check of identity of its own may be more generous', async () => {
    const { listener, port } = await serve()
    const hosts: string[] = []
    const client = await dial(port, {
      serverName: 'other.example',
      checkServerIdentity: (host) => void hosts.push(host),
    })
    expect(hosts).toEqual(['other.example'])
    client.destroy()
    await listener.close({ grace: 0 })
  })
})

describe('wrong options', () => {
  const server: [string, object, RegExp][] = [
    ['no certificate', {}, /^Invalid option tls.cert: a server needs a certificate$/],
    ['no key', { cert: a.cert }, /^Invalid option tls.key: must be PEM/],
    ['another key', { cert: a.cert, key: b.key }, /^Invalid option tls.key: does not belong to/],
    ['a key for a certificate', { cert: a.key, key: a.key }, /^Invalid option tls.cert: no PEM certificate/],
    [
      'a certificate for a key',
      { cert: a.cert, key: a.cert },
      /^Invalid option tls.key: not a PEM private key/,
    ],
    [
      'a cut certificate',
      { ...a, cert: a.cert.replace(/\n.{20}/, '\n') },
      /^Invalid option tls.cert: .* broken/,
    ],
    [
      'a bad one of several',
      { ...a, servers: { 'b.example': { ...b, key: a.key } } },
      /tls.servers\['b.example'\].key/,
    ],
    ['a bad name', { ...a, servers: { 'b..example': b } }, /^Invalid option tls.servers: b..example is not/],
    ['authorities for nothing', { ...a, ca }, /^Invalid option tls.ca/],
    ['no authorities', { ...a, clientCertificate: 'require' }, /^Invalid option tls.ca/],
    ['a bad authority', { ...a, clientCertificate: 'require', ca: 'x' }, /^Invalid option tls.ca: no PEM/],
    ['a bad mode', { ...a, clientCertificate: 'yes' }, /^Invalid option tls.clientCertificate/],
    ['old versions', { ...a, minVersion: 'TLSv1.1' }, /^Invalid option tls.minVersion: TLSv1.1 is neither/],
    [
      'versions crossed',
      { ...a, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
      /^Invalid option tls.maxVersion/,
    ],
    ['no protocols', { ...a, alpn: [] }, /^Invalid option tls.alpn/],
    ['an empty protocol', { ...a, alpn: [''] }, /^Invalid option tls.alpn/],
    ['odd ciphers', { ...a, ciphers: 'ROT13' }, /^Invalid option tls.ciphers: no cipher match/i],
    ['no function', { ...a, select: {} }, /^Invalid option tls.select/],
  ]

  test.each(server)('of a server: %s', async (_, tls, message) => {
    const error = (await tcp.listen({ port: 0, tls }).catch((error: unknown) => error)) as Error
    expect(error).toMatchObject({ message: expect.stringMatching(message) as string })
    expect(['TypeError', 'RangeError']).toContain(error.name)
    expect(JSON.stringify([error.message, error.stack, String(error.cause)])).not.toContain(
      a.key.slice(40, 60),
    )
  })

  const client: [string, object, RegExp][] = [
    ['a name that is none', { serverName: 'a b' }, /^Invalid option tls.serverName: a b is not a host name$/],
    ['a bad authority', { ca: 'x' }, /^Invalid option tls.ca/],
    ['a certificate alone', { cert: alice.cert }, /^Invalid option tls.key/],
    ['no boolean', { verify: 'no' }, /^Invalid option tls.verify/],
    ['no function', { checkServerIdentity: true }, /^Invalid option tls.checkServerIdentity/],
  ]

  test.each(client)('of a client: %s', async (_, tls, message) => {
    await expect(tcp.connect({ port: 1, tls })).rejects.toThrow(message)
  })
})

test('several kinds of certificates and a locked key may be given', async () => {
  const { createPrivateKey } = await import('node:crypto')
  const passphrase = 'open sesame'
  const locked = createPrivateKey(newA.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  })
  const { listener, client } = await meet({ cert: [Buffer.from(newA.cert)], key: [locked], passphrase })
  expect(client.tls?.peerCertificate?.fingerprint256).toBe(fingerprintOf(newA.cert))
  client.destroy()
  await listener.close({ grace: 0 })
  await expect(tcp.listen({ port: 0, tls: { ...newA, key: locked } })).rejects.toThrow(/tls.key: .*locked/)
})
