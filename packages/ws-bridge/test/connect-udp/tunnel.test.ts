import { createSocket } from 'node:dgram'

import * as http from '@fairlead/http'
import { proxyUdp } from '@fairlead/ws-bridge/connect-udp'
import { generate } from 'selfsigned'
import { describe, expect, test } from 'vitest'

import {
  capsule,
  capsules,
  cleansUp,
  later,
  pathTo,
  proxied,
  quiet,
  Raw,
  request,
  Target,
  through,
  until,
} from './tools.ts'

cleansUp()

/** Text of a message. */
function text(message: Uint8Array | undefined): string {
  return Buffer.from(message ?? []).toString('latin1')
}

describe('a tunnel', () => {
  test('carries datagrams there and back', async () => {
    const target = await Target.open()
    const { url, proxy } = await proxied()
    const client = await through(url, target)
    await client.send(Buffer.from('ahoy'))
    for await (const answer of client) {
      expect(text(answer)).toBe('ahoy')
      break
    }
    expect(target.heard).toEqual(['ahoy'])
    expect(proxy.stats()).toMatchObject({
      tunnels: 1,
      forward: 1,
      forwardBytes: 4,
      backward: 1,
      backwardBytes: 4,
    })
  })

  test('carries them to IPv6, and to names', async () => {
    const target = await Target.open(undefined, '::1')
    const { url } = await proxied({ lookup: () => Promise.resolve(['::1']) })
    for (const host of ['::1', 'some.example']) {
      const client = await through(url, target, { host })
      await client.send(Buffer.from(host))
      for await (const answer of client) {
        expect(text(answer)).toBe(host)
        break
      }
    }
    expect(target.heard).toEqual(['::1', 'some.example'])
  })

  test('carries a question and its answer as DNS has them', async () => {
    // One question (RFC 1035 section 4.1): A of example.com, answered with 192.0.2.1.
    const query = Buffer.from('beef01000001000000000000076578616d706c6503636f6d0000010001', 'hex')
    const target = await Target.open((asked) => {
      const answer = Buffer.concat([asked, Buffer.from('c00c00010001000000e10004c0000201', 'hex')])
      answer[2] = 0x81
      answer[7] = 1
      return answer
    })
    const { url } = await proxied()
    const client = await through(url, target)
    await client.send(query)
    for await (const answer of client) {
      expect(Buffer.from(answer).readUInt16BE(0)).toBe(0xbeef)
      expect([...answer.subarray(-4)]).toEqual([192, 0, 2, 1])
      break
    }
  })

  test('carries empty datagrams, and those of all bytes', async () => {
    const target = await Target.open()
    const { url } = await proxied()
    const client = await through(url, target)
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    await client.send(new Uint8Array(0))
    await client.send(all)
    const got: Uint8Array[] = []
    for await (const answer of client) if (got.push(answer) === 2) break
    expect(got[0]).toHaveLength(0)
    expect(got[1]).toEqual(all)
  })

  test('goes by what came right behind the request, too', async () => {
    const target = await Target.open()
    const { port } = await proxied()
    const raw = await Raw.open(port, target, capsules('hasty', 'client'))
    expect(await raw.payloads(2)).toEqual(['hasty', 'client'])
  })

  test('hears nobody but its target', async () => {
    const target = await Target.open()
    const { url } = await proxied()
    const client = await through(url, target)
    await client.send(Buffer.from('first'))
    await until(() => target.heard.length === 1)
    const stranger = createSocket('udp4')
    later(() => stranger.close())
    await new Promise((sent) => stranger.send('forged', target.from?.port, '127.0.0.1', sent))
    await quiet()
    await client.send(Buffer.from('second'))
    const got: string[] = []
    for await (const answer of client) if (got.push(text(answer)) === 2) break
    expect(got).toEqual(['first', 'second'])
  })

  test('runs over TLS', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    })
    const target = await Target.open()
    const { port } = await proxied({}, { tls: { key, cert } })
    const client = await through(`https://localhost:${port}`, target, { tls: { ca: cert } })
    expect(client.tls?.protocol).toMatch(/^TLS/)
    await client.send(Buffer.from('ahoy'))
    for await (const answer of client) {
      expect(text(answer)).toBe('ahoy')
      break
    }
  })
})

describe('what a client sends', () => {
  test('may be cut at every byte', async () => {
    const target = await Target.open()
    const { port } = await proxied()
    const raw = await Raw.open(port, target)
    const all = Buffer.concat([capsules('a', 'bc'), capsule(0x17, 1, 2), capsule(0, 2, 3), capsules('d')])
    for (const byte of all) {
      raw.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await raw.payloads(3)).toEqual(['a', 'bc', 'd'])
  })

  test('may be 10,000 datagrams in one segment', async () => {
    const target = await Target.open(() => undefined)
    const { port, proxy } = await proxied()
    const raw = await Raw.open(port, target)
    raw.write(Buffer.concat(Array.from({ length: 10_000 }, (_, index) => capsules(`${index % 10}`))))
    await until(() => proxy.stats().forward === 10_000)
    await quiet()
    raw.write(capsules('last'))
    await until(() => target.heard.at(-1) === 'last')
    // Nothing was dropped here; what the system's buffers did not hold is UDP's own affair.
    expect(proxy.stats()).toMatchObject({ oversized: 0, dropped: 0, forward: 10_001, forwardBytes: 10_004 })
  })

  test('may be capsules of unknown types and datagrams of unknown contexts, of any length', async () => {
    const target = await Target.open()
    const { port, proxy } = await proxied()
    const raw = await Raw.open(port, target)
    const long = Buffer.concat([Buffer.from('8000beef80100000', 'hex'), Buffer.alloc(0x10_0000)])
    raw.write(long, Buffer.from('000401020304', 'hex'), capsule(0x17), capsules('a'))
    expect(await raw.payloads(1)).toEqual(['a'])
    expect(proxy.stats()).toMatchObject({ ignored: 3, forward: 1 })
  })

  test.each([
    ['a payload that is too long', Buffer.concat([Buffer.from('0080010000', 'hex'), Buffer.alloc(65_536)])],
    ['a length of 2^53', Buffer.from('00e020000000000000', 'hex')],
    ['a length of 2^62', Buffer.from('00ffffffffffffffff', 'hex')],
    ['an unknown type of 2^62 bytes', Buffer.from('17ffffffffffffffff', 'hex')],
    ['a datagram without a context', Buffer.from('0000', 'hex')],
    ['half of a context', Buffer.from('000140', 'hex')],
    // A TLS client hello, by somebody who lost his way.
    ['another protocol', Buffer.from('16030100c8010000c40303', 'hex')],
  ])('is the end of it when it is %s', async (_, bytes) => {
    const target = await Target.open()
    const { port, proxy } = await proxied()
    const raw = await Raw.open(port, target)
    const other = await Raw.open(port, target)
    raw.write(bytes)
    if (bytes[0] === 0x16) raw.write(Buffer.alloc(1_000, 0xff))
    await until(() => raw.reason !== undefined)
    // Aborted, not ended (RFC 9298 section 5).
    expect(raw.reason).toBe('error')
    await until(() => proxy.stats().tunnels === 1)
    expect(proxy.stats().ends.protocol).toBe(1)
    other.write(capsules('still here'))
    expect(await other.payloads(1)).toEqual(['still here'])
  })

  test('is the end of it when it ends within a capsule, and an orderly one when it does not', async () => {
    const target = await Target.open()
    const { port, proxy } = await proxied()
    const cut = await Raw.open(port, target)
    cut.write(capsules('whole'), Buffer.from('000500', 'hex'))
    cut.connection.end()
    await until(() => proxy.stats().ends.protocol === 1)
    await until(() => cut.reason !== undefined)
    const whole = await Raw.open(port, target)
    whole.write(capsules('whole'))
    whole.connection.end()
    await until(() => whole.reason !== undefined)
    expect(whole.reason).toBe('local')
    await until(() => target.heard.length === 2)
    expect(proxy.stats()).toMatchObject({ tunnels: 0, ends: { client: 1, protocol: 1 } })
  })

  test('is dropped when it is too large for the way, and not fragmented', async () => {
    for (const [host, largest] of [
      ['127.0.0.1', 1_472],
      ['::1', 1_452],
    ] as const) {
      const target = await Target.open(() => undefined, host)
      const { url, proxy } = await proxied()
      const client = await through(url, target, { host, maxMessageSize: 65_527 })
      for (const size of [largest, largest + 1, 65_527]) await client.send(Buffer.alloc(size))
      await client.send(Buffer.from('last'))
      await until(() => target.heard.at(-1) === 'last')
      expect(target.heard.map((heard) => heard.length)).toEqual([largest, 4])
      expect(proxy.stats()).toMatchObject({ oversized: 2, forward: 2 })
    }
  })

  test('may be larger where the proxy says so, as far as IP goes', async () => {
    const target = await Target.open(() => undefined)
    const { url, proxy } = await proxied({ maxDatagramSize: 65_527 })
    const client = await through(url, target, { maxMessageSize: 65_527 })
    for (const size of [65_507, 65_508]) await client.send(Buffer.alloc(size))
    await until(() => target.heard.length === 1)
    expect(target.heard[0]).toHaveLength(65_507)
    expect(proxy.stats()).toMatchObject({ oversized: 1 })
  })
})

describe('what a target sends', () => {
  test('comes whole, whatever its size', async () => {
    const target = await Target.open(() => undefined)
    const { port } = await proxied()
    const raw = await Raw.open(port, target, capsules('here I am'))
    await until(() => target.heard.length === 1)
    target.say(
      '',
      Buffer.alloc(62, 1),
      Buffer.alloc(63, 2),
      Buffer.alloc(16_382, 3),
      Buffer.alloc(16_383, 4),
      Buffer.alloc(65_507, 5),
    )
    const payloads = await raw.payloads(6)
    expect(payloads.map((payload) => payload.length)).toEqual([0, 62, 63, 16_382, 16_383, 65_507])
  })
})

describe('a target that nobody listens at', () => {
  test('is the end of the tunnel, once ICMP says so (RFC 9298 section 3.1)', async () => {
    const target = await Target.open()
    const { port } = target
    await target.close()
    const { url, proxy } = await proxied()
    const client = await through(url, { port })
    await client.send(Buffer.from('anybody?'))
    const got: Uint8Array[] = []
    for await (const answer of client) got.push(answer)
    expect(got).toEqual([])
    expect(await client.closed).toEqual({ kind: 'remote' })
    await until(() => proxy.stats().tunnels === 0)
    expect(proxy.stats().ends.target).toBe(1)
  })
})

describe('an HTTP listener with a UDP proxy', () => {
  test('answers other requests on the side', async () => {
    const target = await Target.open()
    const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(200, {}, 'page'))
    later(() => server.close({ grace: 0 }))
    proxyUdp(server, { allow: ['127.0.0.1'] })
    const port = server.address.kind === 'ip' ? server.address.port : 0
    const raw = await Raw.connect(port)
    raw.write(request('/', { Connection: undefined, Upgrade: undefined }))
    expect((await raw.head()).status).toBe(200)
    await until(() => raw.bytes.toString() === 'page')
    raw.bytes = Buffer.alloc(0)
    // On the same connection, which was kept.
    raw.write(request(pathTo(target.port)))
    expect((await raw.head()).status).toBe(101)
    raw.write(capsules('a'))
    expect(await raw.payloads(1)).toEqual(['a'])
  })

  test('may have several, each with its path and its policy', async () => {
    const target = await Target.open()
    const { server, port } = await proxied({ allow: 'public' })
    proxyUdp(server, { path: '/near/{target_host}/{target_port}', allow: ['127.0.0.1'] })
    const statuses: number[] = []
    for (const path of [pathTo(target.port), `/near/127.0.0.1/${target.port}`]) {
      const raw = await Raw.connect(port)
      raw.write(request(path))
      statuses.push((await raw.head()).status)
    }
    expect(statuses).toEqual([403, 101])
  })
})

describe('options of a proxy', () => {
  test.each([
    [{ pth: '/' }, 'Invalid option pth: there is no such option'],
    [{ path: '/' }, 'Invalid option path: it must have {target_host}, once'],
    [{ path: '/{a}/{target_host}/{target_port}' }, 'Invalid option path: it has other variables'],
    [{ allow: 'all' }, 'Invalid option allow: '],
    [{ allow: [] }, 'Invalid option allow: '],
    [{ authorize: true }, 'Invalid option authorize: must be a function'],
    [{ lookup: '1.1.1.1' }, 'Invalid option lookup: must be a function'],
    [{ authorizeTimeout: 0 }, 'Invalid option authorizeTimeout: '],
    [{ connectTimeout: 0 }, 'Invalid option connectTimeout: '],
    [{ idleTimeout: -1 }, 'Invalid option idleTimeout: '],
    [{ totalTimeout: 1.5 }, 'Invalid option totalTimeout: '],
    [{ maxTunnels: Infinity }, 'Invalid option maxTunnels: '],
    [{ maxTunnelsPerAddress: 0 }, 'Invalid option maxTunnelsPerAddress: '],
    [{ maxBuffered: '1' }, 'Invalid option maxBuffered: '],
    [{ maxDatagramSize: 0 }, 'Invalid option maxDatagramSize: '],
    [{ name: 'two words' }, 'Invalid option name: "two words" is not a token'],
    [null, 'Invalid options of proxyUdp: null is not an object'],
  ])('%j is refused', async (options, message) => {
    const { server } = await proxied()
    expect(() => proxyUdp(server, options as never)).toThrow(message)
  })

  test('are for an HTTP listener', () => {
    expect(() => proxyUdp({} as never)).toThrow('Invalid server: must be an HTTP listener')
  })
})
