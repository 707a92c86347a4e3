import {
  ConnectError,
  type Connection,
  LimitError,
  ProtocolError,
  splice,
  TimeoutError,
} from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as http from '@fairlead/http'
import * as tcp from '@fairlead/tcp'
import {
  connectUdp,
  type ConnectUdpOptions,
  type ProxiedUdpConnection,
  RefusedError,
} from '@fairlead/ws-bridge/connect-udp'
import { describe, expect, test } from 'vitest'

import { capsule, capsules, cleansUp, later, proxied, quiet, Raw, Target, through, until } from './tools.ts'

cleansUp()

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: connect-udp\r\n\r\n'

/** A proxy that answers every request with these bytes, and writes down what it is asked. */
async function scripted(
  ...answer: (string | Uint8Array)[]
): Promise<{ url: string; asked: string[]; peers: Raw[] }> {
  const asked: string[] = []
  const peers: Raw[] = []
  const listener = await tcp.listen({ port: 0 }, async (connection) => {
    const peer = new Raw(connection)
    peers.push(peer)
    asked.push((await peer.head()).text)
    peer.write(...answer)
  })
  later(() => listener.destroy())
  const port = listener.address.kind === 'ip' ? listener.address.port : 0
  return { url: `http://127.0.0.1:${port}`, asked, peers }
}

/** A client's end, and the proxy's, of which each byte is the test's; in memory, where little waits in between. */
async function pair(
  options: Partial<ConnectUdpOptions> = {},
  ...behind: Uint8Array[]
): Promise<{ client: ProxiedUdpConnection; proxy: Raw }> {
  const [near, far] = memory.pair()
  const proxy = new Raw(far)
  const connecting = through('http://proxy.example', { port: 9 }, { connect: async () => near, ...options })
  await proxy.head()
  proxy.write(Buffer.concat([Buffer.from(switching), ...behind]))
  return { client: await connecting, proxy }
}

/** Reads `count` messages, or to the end. */
async function read(connection: Connection<Uint8Array>, count = Infinity): Promise<string[]> {
  const messages: string[] = []
  for await (const message of connection) {
    if (messages.push(Buffer.from(message).toString('latin1')) === count) break
  }
  return messages
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('nothing failed'),
    (error: unknown) => error as Error,
  )
}

const here = { host: '192.0.2.6', port: 443 }

describe('what a client asks', () => {
  test('is what RFC 9298 section 3.2 wants', async () => {
    const { url, asked } = await scripted(switching)
    const client = await connectUdp(url, { ...here, headers: { Authorization: 'Bearer s3cret' } })
    client.destroy()
    const [line, ...fields] = (asked[0] ?? '').split('\r\n')
    expect(line).toBe('GET /.well-known/masque/udp/192.0.2.6/443/ HTTP/1.1')
    const lower = fields.map((field) => field.toLowerCase())
    expect(lower).toContain(`host: ${url.slice(7)}`)
    expect(lower).toContain('connection: upgrade')
    expect(lower).toContain('upgrade: connect-udp')
    expect(lower).toContain('capsule-protocol: ?1')
    expect(fields).toContain('Authorization: Bearer s3cret')
    expect(lower.some((field) => /^(?:content-|transfer-)/.test(field))).toBe(false)
    expect(client.target).toEqual(here)
  })

  test.each([
    ['', '/.well-known/masque/udp/2001%3Adb8%3A%3A42/443/'],
    ['/', '/.well-known/masque/udp/2001%3Adb8%3A%3A42/443/'],
    ['/m?h={target_host}&p={target_port}', '/m?h=2001%3Adb8%3A%3A42&p=443'],
    ['/m{?target_host,target_port}', '/m?target_host=2001%3Adb8%3A%3A42&target_port=443'],
    ['/{user}/{target_host}/{target_port}', '//2001%3Adb8%3A%3A42/443'],
  ])('goes to %s as the template says', async (template, path) => {
    const { url, asked } = await scripted(switching)
    for (const given of [url + template, new URL(url + template)]) {
      const client = await connectUdp(given, { host: '2001:DB8::42', port: 443 })
      client.destroy()
    }
    expect(asked.map((head) => head.split(' ')[1])).toEqual([path, path])
  })

  test('has fields in each of their forms', async () => {
    const { url, asked } = await scripted(switching)
    for (const headers of [
      { 'X-One': '1', 'X-Two': ['2', '3'], 'X-Four': 4 },
      new Map([['X-One', '1']]),
      new http.Fields(['X-One', '1']),
    ]) {
      const client = await connectUdp(url, { ...here, headers })
      client.destroy()
    }
    for (const head of asked) expect(head).toContain('\r\nX-One: 1\r\n')
    expect(asked[0]).toContain('X-Two: 2\r\nX-Two: 3\r\nX-Four: 4\r\n')
    const wrong = connectUdp(url, { ...here, headers: { 'X-One': '1\r\nX-Two: 2' } })
    expect(await failureOf(wrong)).toBeInstanceOf(TypeError)
  })

  test('goes through an HTTP proxy where there is one', async () => {
    const target = await Target.open()
    const { url, port } = await proxied()
    const tunnels: string[] = []
    const before = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
    later(() => before.close({ grace: 0 }))
    before.onUpgrade(async (exchange) => {
      tunnels.push(`${exchange.request.method} ${exchange.request.target}`)
      const server = await tcp.connect({ port })
      const { connection, head } = exchange.takeOver()
      connection.write('HTTP/1.1 200 OK\r\n\r\n')
      void splice(connection, server, { heads: [head] })
      return true
    })
    const proxy = `http://127.0.0.1:${before.address.kind === 'ip' ? before.address.port : 0}`
    const client = await through(url, target, { proxy })
    await client.send(Buffer.from('ahoy'))
    expect(await read(client, 1)).toEqual(['ahoy'])
    expect(tunnels).toEqual([`CONNECT 127.0.0.1:${port}`])
  })

  test('goes over a connection of one’s own', async () => {
    const target = await Target.open()
    const { port } = await proxied()
    const client = await through('http://nowhere.example', target, { connect: () => tcp.connect({ port }) })
    await client.send(Buffer.from('ahoy'))
    expect(await read(client, 1)).toEqual(['ahoy'])
  })
})

describe('an answer', () => {
  test.each([
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'the proxy answered 200', false],
    ['403', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', 'the proxy answered 403', false],
    ['429', 'HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n', 'the proxy answered 429', true],
    [
      'a redirect',
      'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n',
      'the proxy answered 302',
      false,
    ],
    [
      '502 with the reason',
      'HTTP/1.1 502 Bad Gateway\r\nProxy-Status: ours; error=dns_error; rcode="NXDOMAIN"\r\nContent-Length: 0\r\n\r\n',
      'the proxy answered 502 (dns_error)',
      true,
    ],
  ])('of %s is a ConnectError', async (_, answer, why, retryable) => {
    const { url } = await scripted(answer)
    const error = await failureOf(connectUdp(url, here))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error.message).toBe(`Cannot connect to udp://192.0.2.6:443 through ${url}: ${why}`)
    expect(error).toBeInstanceOf(RefusedError)
    expect(error).toMatchObject({ phase: 'handshake', retryable, code: 'ERR_FAIRLEAD_CONNECT' })
    expect((error as RefusedError).status).toBe(Number(answer.slice(9, 12)))
  })

  test.each([
    ['another protocol', 'HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['no protocol', 'HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\n\r\n'],
    ['no connection option', 'HTTP/1.1 101 Ok\r\nUpgrade: connect-udp\r\n\r\n'],
    ['something else than HTTP', '220 mail.example ESMTP\r\n\r\n'],
  ])('of %s is a ConnectError', async (_, answer) => {
    const { url, peers } = await scripted(answer)
    expect(await failureOf(connectUdp(url, here))).toBeInstanceOf(ConnectError)
    await until(() => peers[0]?.reason !== undefined)
  })

  test.each([
    ['two protocols', 'Upgrade: connect-udp, websocket\r\n'],
    ['the protocol twice', 'Upgrade: connect-udp\r\nUpgrade: connect-udp\r\n'],
    ['a type of content', 'Upgrade: connect-udp\r\nContent-Type: text/plain\r\n'],
  ])('of %s is a ProtocolError, and the connection is closed', async (_, fields) => {
    const { url, peers } = await scripted(`HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\n${fields}\r\n`)
    expect(await failureOf(connectUdp(url, here))).toBeInstanceOf(ProtocolError)
    await until(() => peers[0]?.reason !== undefined)
  })

  test('may come with capsules behind it', async () => {
    const { client } = await pair({}, capsules('early', 'bird'))
    expect(await read(client, 2)).toEqual(['early', 'bird'])
  })

  test('that does not come is a TimeoutError', async () => {
    const { url } = await scripted()
    const error = await failureOf(connectUdp(url, { ...here, timeouts: { headers: 5 } }))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ phase: 'headers' })
  })

  test('that breaks off is a ConnectError, and so is nobody there', async () => {
    const listener = await tcp.listen({ port: 0 }, (connection) => connection.destroy())
    const url = `http://127.0.0.1:${listener.address.kind === 'ip' ? listener.address.port : 0}`
    expect(await failureOf(connectUdp(url, here))).toBeInstanceOf(ConnectError)
    await listener.close()
    expect(await failureOf(connectUdp(url, here))).toBeInstanceOf(ConnectError)
  })

  test('tells no secrets when it is none', async () => {
    const { url } = await scripted('HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n')
    const secret = `${url.replace('//', '//user:s3cret@')}/m?token=s3cret&h={target_host}&p={target_port}`
    const error = await failureOf(connectUdp(secret, here))
    expect(error.message).toContain('answered 401')
    expect(error.message).not.toContain('s3cret')
    const refused = await failureOf(connectUdp(secret.replace(/:\d+\//, ':1/'), here))
    expect(`${refused.message} ${String(refused.cause)}`).not.toContain('s3cret')
  })
})

describe('a signal', () => {
  test('ends the attempt with its reason, before it and while the answer is waited for', async () => {
    const reason = new Error('changed my mind')
    expect(
      await failureOf(connectUdp('http://127.0.0.1:9', { ...here, signal: AbortSignal.abort(reason) })),
    ).toBe(reason)
    const { url, peers } = await scripted()
    const controller = new AbortController()
    const attempt = failureOf(connectUdp(url, { ...here, signal: controller.signal }))
    await until(() => peers.length === 1)
    controller.abort(reason)
    expect(await attempt).toBe(reason)
    await until(() => peers[0]?.reason !== undefined)
  })

  test('changes nothing afterwards', async () => {
    const controller = new AbortController()
    const { client, proxy } = await pair({ signal: controller.signal })
    controller.abort()
    await client.send(Buffer.from('still here'))
    expect(await proxy.payloads(1)).toEqual(['still here'])
  })
})

describe('a connection through a proxy', () => {
  test('is unreliable, and knows both ends of what it goes over', async () => {
    const { client, proxy } = await pair()
    expect(client.reliable).toBe(false)
    expect(client.maxMessageSize).toBe(1_200)
    expect(client.remoteAddress).toEqual(proxy.connection.localAddress)
    expect(client.tls).toBeUndefined()
  })

  test('writes each message as a DATAGRAM capsule with context 0', async () => {
    const { client, proxy } = await pair()
    await client.send(Buffer.from('ahoy'))
    await client.send(new Uint8Array(0))
    await client.send(new Uint8Array(63).fill(7))
    await until(() => proxy.bytes.length === 7 + 3 + 67)
    expect(proxy.bytes.toString('hex')).toBe(`00050061686f7900010000404000${'07'.repeat(63)}`)
    expect(client.stats()).toMatchObject({ sent: 3, sentBytes: 67 })
  })

  test('reads capsules that are cut at every byte', async () => {
    const { client, proxy } = await pair()
    const reading = read(client, 3)
    for (const byte of Buffer.concat([
      capsules('a', ''),
      capsule(0x17, 1),
      capsule(0, 2, 3),
      capsules('bc'),
    ])) {
      proxy.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await reading).toEqual(['a', '', 'bc'])
    expect(client.stats()).toMatchObject({ received: 3, receivedBytes: 3, ignored: 2 })
  })

  test('reads 10,000 messages that come in one segment', async () => {
    const { client, proxy } = await pair()
    proxy.write(Buffer.concat(Array.from({ length: 10_000 }, (_, index) => capsules(`${index}`))))
    const got = await read(client, 10_000)
    expect(got.every((message, index) => message === `${index}`)).toBe(true)
  })

  test.each([
    ['a length of 2^62', Buffer.from('00ffffffffffffffff', 'hex')],
    ['a payload that is too long', Buffer.concat([Buffer.from('0080010000', 'hex'), Buffer.alloc(65_536)])],
    ['a datagram without a context', Buffer.from('0000', 'hex')],
  ])('breaks off when the proxy sends %s', async (_, bytes) => {
    const { client, proxy } = await pair()
    proxy.write(capsules('before'), bytes)
    const got: string[] = []
    const reading = (async () => {
      for await (const message of client) got.push(Buffer.from(message).toString())
    })()
    expect(await failureOf(reading)).toBeInstanceOf(ProtocolError)
    expect(got).toEqual(['before'])
    expect(await client.closed).toMatchObject({ kind: 'error', error: { side: 'remote' } })
    await until(() => proxy.reason === 'error')
  })

  test('ends when the proxy ends, and breaks when that is within a capsule', async () => {
    const { client, proxy } = await pair()
    proxy.write(capsules('last'))
    proxy.connection.end()
    expect(await read(client)).toEqual(['last'])
    expect(await client.closed).toEqual({ kind: 'remote' })
    expect(() => client.write(Buffer.from('late'))).toThrow('Cannot write')
    const cut = await pair()
    cut.proxy.write(Buffer.from('0005', 'hex'))
    cut.proxy.connection.end()
    expect(await failureOf(read(cut.client))).toBeInstanceOf(ProtocolError)
  })

  test('breaks when the proxy resets it, while it is read and while it is not', async () => {
    for (const reads of [true, false]) {
      const { client, proxy } = await pair()
      const reading = reads ? failureOf(read(client)) : undefined
      proxy.connection.destroy()
      if (!reading) client.handle({ onData() {} })
      expect(await client.closed).toMatchObject({ kind: 'error' })
      if (reading) expect(await reading).toMatchObject({ code: 'ERR_FAIRLEAD_BROKEN' })
    }
  })

  test('stops its proxy when it is paused, and loses nothing', async () => {
    const { client, proxy } = await pair()
    const message = Buffer.alloc(10_000, 1)
    let sent = 0
    while (proxy.connection.write(capsules(message)) && sent < 10_000) {
      sent++
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent).toBeLessThan(10_000)
    expect(client.stats().received).toBe(0)
    expect(await read(client, sent + 1)).toHaveLength(sent + 1)
  })

  test('stops its proxy when its handler pauses it, behind the message at hand', async () => {
    const { client, proxy } = await pair()
    let heard = 0
    client.handle({
      onData() {
        heard++
        client.pause()
      },
    })
    const message = capsules(Buffer.alloc(10_000, 1))
    let sent = 0
    while (proxy.connection.write(message) && sent++ < 10_000)
      await new Promise((resolve) => setImmediate(resolve))
    expect(sent).toBeLessThan(10_000)
    expect(heard).toBe(1)
    client.resume()
    await until(() => heard === 2)
  })

  test('refuses what is no message, or too large, and goes on', async () => {
    const { client, proxy } = await pair()
    for (const wrong of ['text', undefined, null, 5, {}, new ArrayBuffer(1)]) {
      expect(() => client.write(wrong as Uint8Array)).toThrow(TypeError)
      expect(await failureOf(client.send(wrong as Uint8Array))).toBeInstanceOf(TypeError)
    }
    expect(() => client.write(new Uint8Array(1_201))).toThrow(LimitError)
    expect(await failureOf(client.send(new Uint8Array(1_201)))).toMatchObject({
      limit: 'maxMessageSize',
      value: 1_201,
    })
    expect(client.stats()).toMatchObject({ sent: 0, oversized: 2 })
    await client.send(new Uint8Array(1_200))
    expect(await proxy.payloads(1)).toHaveLength(1)
  })

  test('drops what its proxy does not take, tells it once, and goes on when there is room', async () => {
    const { client, proxy } = await pair({ maxBuffered: 200_000, maxMessageSize: 10_000 })
    proxy.connection.pause()
    const troubles: unknown[] = []
    client.handle({ onData() {}, onTrouble: (error) => void troubles.push(error) })
    const message = new Uint8Array(10_000)
    while (client.stats().dropped < 100) {
      client.write(message)
      if (client.stats().dropped === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(client.buffered).toBeLessThanOrEqual(200_000)
    expect(client.buffered).toBeGreaterThan(100_000)
    expect(troubles).toHaveLength(1)
    expect(troubles[0]).toMatchObject({ limit: 'maxBuffered', retryable: true })
    expect(await failureOf(client.send(message))).toBe(troubles[0])
    const room = client.drained()
    proxy.connection.resume()
    await room
    expect(await proxy.payloads(client.stats().sent)).toHaveLength(client.stats().sent)
    expect(client.write(Buffer.from('again'))).toBe(true)
    expect(await proxy.payloads(1)).toEqual(['again'])
    expect(troubles).toHaveLength(1)
    proxy.connection.pause()
    const { dropped } = client.stats()
    while (client.stats().dropped === dropped) {
      client.write(message)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(troubles).toHaveLength(2)
  })

  test('takes a message that is larger than what may wait, when nothing does', async () => {
    const { client, proxy } = await pair({ maxBuffered: 10 })
    await client.send(new Uint8Array(1_000))
    expect(await proxy.payloads(1)).toHaveLength(1)
  })

  test('costs nobody else anything when its handler throws', async () => {
    const target = await Target.open()
    const { url } = await proxied()
    const [broken, other] = [await through(url, target), await through(url, target)]
    broken.handle({
      onData() {
        throw new Error('broken')
      },
    })
    await broken.send(Buffer.from('ahoy'))
    expect(await broken.closed).toMatchObject({ kind: 'error' })
    await other.send(Buffer.from('still here'))
    expect(await read(other, 1)).toEqual(['still here'])
  })

  test('that is refused leaves no connection of its own behind', async () => {
    const { url, peers } = await scripted('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    await expect(through(url, { port: 9 }, { tls: {} })).rejects.toThrow('answered 403')
    await until(() => peers[0]?.reason !== undefined)
  })

  test('is a client of its own that leaves nothing behind', async () => {
    const { client, proxy } = await pair({ tls: {} })
    await client.close()
    expect(await client.closed).toEqual({ kind: 'local' })
    await until(() => proxy.reason !== undefined)
    await quiet()
    expect(client.state).toBe('closed')
  })
})

describe('options of a client', () => {
  test.each([
    [{ ...here, hst: 'a' }, 'Invalid option hst: there is no such option'],
    [{ port: 1 }, 'Invalid option host: undefined is neither an address nor a name'],
    [{ host: 'fe80::1%eth0', port: 1 }, 'Invalid option host: "fe80::1%eth0" is neither'],
    [{ host: '0177.1', port: 1 }, 'Invalid option host: "0177.1" is neither'],
    [{ host: 'a b', port: 1 }, 'Invalid option host: "a b" is neither'],
    [{ host: 'a' }, 'Invalid option port: undefined is not an integer from 1 to 65535'],
    [{ host: 'a', port: 0 }, 'Invalid option port: 0 is not'],
    [{ host: 'a', port: 65_536 }, 'Invalid option port: 65536 is not'],
    [{ host: 'a', port: '53' }, 'Invalid option port: 53 is not'],
    [{ ...here, maxMessageSize: 65_528 }, 'Invalid option maxMessageSize: a datagram holds at most 65527'],
    [{ ...here, maxMessageSize: 0 }, 'Invalid option maxMessageSize: '],
    [{ ...here, maxBuffered: 1.5 }, 'Invalid option maxBuffered: '],
    [{ ...here, signal: {} }, 'Invalid option signal: must be an AbortSignal'],
    [{ ...here, proxy: 'nonsense' }, 'Invalid option proxy: '],
    [null, 'Invalid options of connectUdp: null is not an object'],
  ])('%j are refused', async (options, message) => {
    const error = await failureOf(connectUdp('http://127.0.0.1:9', options as never))
    expect(error.message).toContain(message)
    expect(error.constructor === TypeError || error.constructor === RangeError).toBe(true)
  })

  test.each([
    ['/udp/{target_host}/{target_port}/', 'it is no absolute URI template'],
    ['ftp://a/{target_host}/{target_port}/', 'it is no absolute URI template'],
    ['http://{target_host}/{target_port}/', 'it is no absolute URI template'],
    ['http:///{target_host}/{target_port}/', 'it is no absolute URI template'],
    ['http://a/path', 'must have {target_host}, once'],
    ['http://a{?target_host,target_port}', 'does not begin with a slash'],
    ['http://a/{+target_host}/{target_port}', 'is no expression'],
    ['http://a/{target_host}/{target_port}#x', 'no URI has'],
  ])('go to no template %s', async (template, why) => {
    const error = await failureOf(connectUdp(template, here))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(why)
  })
})
