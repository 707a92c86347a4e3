import type { TunnelRequest, UdpProxyOptions } from '@fairlead/ws-bridge/connect-udp'
import { describe, expect, test } from 'vitest'

import { isForeign } from '../../src/connect-udp/options.ts'
import { cleansUp, pathTo, proxied, quiet, Raw, request, Target, until } from './tools.ts'

cleansUp()

/** What a request is answered with, and by what the proxy counts it. */
async function answerTo(
  text: string,
  options?: UdpProxyOptions,
): Promise<{ status: number; text: string; refused: string | undefined; body: string }> {
  const { port, proxy, errors } = await proxied(options)
  const raw = await Raw.connect(port)
  raw.write(text)
  const head = await raw.head()
  if (head.status !== 101 && /connection: close/i.test(head.text)) await until(() => raw.reason !== undefined)
  const [refused] = Object.entries(proxy.stats().refusals).find(([, count]) => count > 0) ?? []
  if (head.status !== 500) expect(errors).toEqual([])
  return { ...head, refused, body: raw.bytes.toString('latin1') }
}

const somewhere = pathTo(9_999)

describe('a request for a tunnel', () => {
  test('is answered with 101 as RFC 9298 section 3.3 has it', async () => {
    const { text } = await answerTo(request(somewhere))
    expect(text.split('\r\n')).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Connection: Upgrade',
      'Upgrade: connect-udp',
      'Capsule-Protocol: ?1',
    ])
  })

  test.each([
    ['the absolute form', request('', {}, `GET http://proxy.example${somewhere} HTTP/1.1`)],
    ['other letter cases', request(somewhere, { Connection: 'upgrade', Upgrade: 'Connect-UDP' })],
    ['other connection options', request(somewhere, { Connection: 'keep-alive, Upgrade' })],
    ['a choice of protocols', request(somewhere, { Upgrade: 'websocket, connect-udp' })],
    // It is for those in between (RFC 9297 section 3.4).
    ['no Capsule-Protocol', request(somewhere, { 'Capsule-Protocol': undefined })],
    ['a false Capsule-Protocol', request(somewhere, { 'Capsule-Protocol': '?0' })],
    ['two of them', request(somewhere, { 'Capsule-Protocol': ['?1', '?1'] })],
    ['one with a parameter', request(somewhere, { 'Capsule-Protocol': '?1;a=b' })],
    ['one that is no boolean', request(somewhere, { 'Capsule-Protocol': '"yes"' })],
    ['an IPv6 target', request(pathTo(9_999, '%3A%3A1'))],
    ['a target with all of it encoded', request(pathTo('%39%39%39%39', '%31%32%37.0.0.1'))],
  ])('may have %s', async (_, text) => {
    expect(await answerTo(text)).toMatchObject({ status: 101, refused: undefined })
  })

  test.each([
    ['a method other than GET', request('', {}, `OPTIONS ${somewhere} HTTP/1.1`)],
    ['POST without a body', request('', {}, `POST ${somewhere} HTTP/1.1`)],
    ['a length of nothing', request(somewhere, { 'Content-Length': '0' })],
    ['a type of nothing', request(somewhere, { 'Content-Type': 'text/plain' })],
    ['no target', request(pathTo(9_999, ''))],
    ['no port', request(pathTo(''))],
    ['port 0', request(pathTo(0))],
    ['port 65536', request(pathTo(65_536))],
    ['a port in words', request(pathTo('dns'))],
    ['a signed port', request(pathTo('+53'))],
    ['colons that are not encoded', request(pathTo(9_999, '::1'))],
    ['an address in brackets', request(pathTo(9_999, '%5B%3A%3A1%5D'))],
    ['an address with a zone', request(pathTo(9_999, 'fe80%3A%3A1%25eth0'))],
    ['an octal address', request(pathTo(9_999, '0177.0.0.1'))],
    ['a hexadecimal address', request(pathTo(9_999, '0x7f.1'))],
    ['an address as one number', request(pathTo(9_999, '2130706433'))],
    ['a slash in the name', request(pathTo(9_999, 'a%2Fb'))],
    ['a NUL in the name', request(pathTo(9_999, 'a%00b'))],
    ['a line end in the name', request(pathTo(9_999, 'a%0D%0Ab'))],
    ['half of an encoded character', request(pathTo(9_999, 'a%2'))],
    ['what is no UTF-8', request(pathTo(9_999, '%ff%fe'))],
    ['a name that is too long', request(pathTo(9_999, `${'a'.repeat(60)}.`.repeat(5)))],
  ])('is malformed with %s', async (_, text) => {
    const answer = await answerTo(text)
    expect(answer).toMatchObject({ status: 400, refused: 'malformed' })
    expect(answer.text).toMatch(/connection: close/i)
    expect(answer.text).not.toMatch(/capsule-protocol/i)
  })

  test.each([
    ['no Host', request(somewhere, { Host: undefined })],
    ['two of them', request(somewhere, { Host: ['a', 'b'] })],
  ])('is refused by the HTTP server with %s', async (_, text) => {
    expect(await answerTo(text)).toMatchObject({ status: 400, refused: undefined })
  })

  test.each([
    ['for another path', request('/masque/127.0.0.1/9999/')],
    ['without the slash at the end', request(somewhere.slice(0, -1))],
    ['with a query', request(`${somewhere}?a=b`)],
    ['for another protocol', request(somewhere, { Upgrade: 'websocket' })],
    ['without an upgrade', request(somewhere, { Upgrade: undefined })],
    ['without the connection option', request(somewhere, { Connection: 'keep-alive' })],
    ['in HTTP/1.0', request('', {}, `GET ${somewhere} HTTP/1.0`)],
    ['with a body', `${request(somewhere, { 'Content-Length': '1' })}a`],
    ['with chunks', `${request(somewhere, { 'Transfer-Encoding': 'chunked' })}0\r\n\r\n`],
  ])('stays with the application %s', async (_, text) => {
    expect(await answerTo(text)).toMatchObject({ status: 404, refused: undefined })
  })

  test('comes in by a template of one’s own', async () => {
    for (const [path, asked] of [
      ['/masque?h={target_host}&p={target_port}', '/masque?h=127.0.0.1&p=9999'],
      ['/masque{?target_host,target_port}', '/masque?target_host=127.0.0.1&target_port=9999'],
    ] as const) {
      expect((await answerTo(request(asked), { path })).status).toBe(101)
      expect((await answerTo(request(somewhere), { path })).status).toBe(404)
    }
  })
})

describe('a target that is not to be had', () => {
  const named = request(pathTo(53, 'some.example'))
  const found = (...addresses: string[]): UdpProxyOptions => ({ lookup: () => Promise.resolve(addresses) })
  const failing = (code: string): UdpProxyOptions => ({
    lookup: () => Promise.reject(Object.assign(new Error(`no ${code}`), { code })),
  })

  test.each([
    [
      'is prohibited',
      request(somewhere),
      { allow: 'public' } as const,
      403,
      'prohibited',
      'destination_ip_prohibited',
    ],
    [
      'has a prohibited name',
      named,
      { allow: 'public', ...found('10.0.0.1') } as const,
      403,
      'prohibited',
      'destination_ip_prohibited',
    ],
    ['is not known', named, failing('ENOTFOUND'), 502, 'unresolved', 'dns_error; rcode="NXDOMAIN"'],
    ['has no address', named, found(), 502, 'unresolved', 'dns_error; rcode="NXDOMAIN"'],
    ['is not told', named, failing('EAI_AGAIN'), 502, 'unresolved', 'dns_error'],
    ['is told as nonsense', named, found('nonsense'), 502, 'unresolved', 'dns_error; rcode="NXDOMAIN"'],
    [
      'cannot be sent to',
      request(pathTo(53, '255.255.255.255')),
      {},
      502,
      'unroutable',
      'destination_ip_unroutable',
    ],
    ['meets a lack of descriptors', named, failing('EMFILE'), 503, 'maxTunnels', 'connection_limit_reached'],
  ])('%s', async (_, text, options, status, refused, proxyStatus) => {
    const answer = await answerTo(text, options)
    expect(answer).toMatchObject({ status, refused })
    expect(answer.text.split('\r\n')).toContain(`Proxy-Status: fairlead; error=${proxyStatus}`)
  })

  test('is not resolved in time', async () => {
    const answer = await answerTo(named, {
      connectTimeout: 5,
      lookup: () => new Promise(() => {}),
      name: 'ours',
    })
    expect(answer).toMatchObject({ status: 504, refused: 'unresolved' })
    expect(answer.text).toContain('Proxy-Status: ours; error=dns_timeout')
  })

  test('has a lookup that throws', async () => {
    const lookup = (): never => {
      throw new Error('broken')
    }
    expect(await answerTo(named, { lookup })).toMatchObject({ status: 502, refused: 'unresolved' })
  })
})

describe('the policy', () => {
  const looked = (addresses: readonly string[], hosts: string[] = []): UdpProxyOptions => ({
    lookup: (host) => {
      hosts.push(host)
      return Promise.resolve(addresses)
    },
  })

  test.each([
    ['127.0.0.1'],
    ['%3A%3A1'],
    ['%3A%3Affff%3A127.0.0.1'],
    ['%3A%3Affff%3A7f00%3A1'],
    ['0.0.0.0'],
    ['%3A%3A'],
    ['10.1.2.3'],
    ['169.254.169.254'],
    ['192.168.0.1'],
    ['224.0.0.251'],
    ['255.255.255.255'],
    ['fe80%3A%3A1'],
    ['fd00%3A%3A1'],
    ['ff02%3A%3Afb'],
    ['64%3Aff9b%3A%3A7f00%3A1'],
  ])('of the default prohibits %s', async (host) => {
    const { port } = await proxied({ allow: undefined } as unknown as UdpProxyOptions)
    const raw = await Raw.connect(port)
    raw.write(request(pathTo(9_999, host)))
    expect((await raw.head()).status).toBe(403)
  })

  test('of the default prohibits this machine, and where it is reached with its neighbours', () => {
    const own = () => [{ host: '198.35.26.96', broadcast: '198.35.26.127' }, { host: '2620:0:860::1' }]
    const allowed = (host: string, family: 4 | 6 = 4) =>
      isForeign({ kind: 'ip', family, host, port: 53 }, own)
    expect(
      ['198.35.26.96', '198.35.26.127', '198.35.26.97', '10.0.0.1'].map((host) => allowed(host)),
    ).toEqual([false, false, true, false])
    expect(['2620:0:860::1', '2620:0:860::2'].map((host) => allowed(host, 6))).toEqual([false, true])
    expect(isForeign({ kind: 'unix', path: '/run/a' }, own)).toBe(false)
    expect(isForeign({ kind: 'ip', family: 4, host: '198.35.26.97', port: 53 })).toBe(true)
  })

  test('is asked about the address that a name leads to, which is then sent to', async () => {
    const target = await Target.open()
    const hosts: string[] = []
    const asked: unknown[] = []
    const { port } = await proxied({
      ...looked(['127.0.0.1'], hosts),
      allow: (address) => asked.push(address) > 0,
    })
    const raw = await Raw.connect(port)
    raw.write(request(pathTo(target.port, 'rebinding.example')))
    expect((await raw.head()).status).toBe(101)
    expect(asked).toEqual([{ kind: 'ip', family: 4, host: '127.0.0.1', port: target.port }])
    // Once, so that what is resolved later changes nothing.
    expect(hosts).toEqual(['rebinding.example'])
  })

  test('costs the request when it throws, or answers otherwise than with true', async () => {
    const broken = (): never => {
      throw new Error('broken')
    }
    expect((await answerTo(request(somewhere), { allow: broken })).status).toBe(500)
    const promised = (() => Promise.resolve(true)) as unknown as () => boolean
    expect((await answerTo(request(somewhere), { allow: promised })).status).toBe(403)
  })
})

describe('authorization', () => {
  test('is told whom the tunnel is for, and may refuse with an answer of its own', async () => {
    let told: TunnelRequest | undefined
    let asked = 0
    const answer = await answerTo(request(pathTo(53, 'some.example'), { Authorization: 'Basic eDp5' }), {
      lookup: () => Promise.resolve([`${asked++}`]),
      authorize(given) {
        told = given
        return { status: 401, text: 'who are you?', headers: { 'WWW-Authenticate': 'Basic realm="tunnels"' } }
      },
    })
    expect(answer).toMatchObject({ status: 401, refused: 'unauthorized' })
    expect(answer.text).toContain('WWW-Authenticate: Basic realm="tunnels"')
    expect(answer.body).toBe('who are you?\n')
    expect(told).toMatchObject({
      method: 'GET',
      target: pathTo(53, 'some.example'),
      secure: false,
      targetHost: 'some.example',
      targetPort: 53,
    })
    expect(told?.headers.get('authorization')).toBe('Basic eDp5')
    // Nobody's names are resolved for him before.
    expect(asked).toBe(0)
  })

  test('lets in whom it does not refuse', async () => {
    const authorize = (): Promise<undefined> => Promise.resolve(undefined)
    expect((await answerTo(request(somewhere), { authorize })).status).toBe(101)
  })

  test('that throws or rejects is a 500', async () => {
    const broken = (): never => {
      throw new Error('broken')
    }
    expect((await answerTo(request(somewhere), { authorize: broken })).status).toBe(500)
    const rejecting = (): Promise<undefined> => Promise.reject(new Error('broken'))
    expect((await answerTo(request(somewhere), { authorize: rejecting })).status).toBe(500)
  })

  test('may answer for itself', async () => {
    const answer = await answerTo(request(somewhere), {
      async authorize(_, exchange) {
        await exchange.respond(418, {}, 'tea')
        return undefined
      },
    })
    expect(answer).toMatchObject({ status: 418, refused: undefined })
  })

  test('that never settles keeps a place until the client is gone', async () => {
    let waiting = 0
    const { port, proxy } = await proxied({
      maxTunnels: 1,
      authorize({ targetPort }) {
        if (targetPort !== 9_999) return undefined
        waiting++
        return new Promise(() => {})
      },
    })
    const raw = await Raw.connect(port)
    raw.write(request(somewhere))
    await until(() => waiting === 1)
    const other = await Raw.connect(port)
    other.write(request(pathTo(9_998)))
    expect((await other.head()).status).toBe(503)
    raw.connection.destroy()
    const free = async (): Promise<number> => {
      const next = await Raw.connect(port)
      next.write(request(pathTo(9_998)))
      return (await next.head()).status
    }
    await expect.poll(free).toBe(101)
    expect(proxy.stats().accepted).toBe(1)
  })
})

describe('the places', () => {
  test('are as many as may be, in all and for an address', async () => {
    const { port, proxy } = await proxied({ maxTunnels: 3, maxTunnelsPerAddress: 2 })
    const raws: Raw[] = []
    const statuses: number[] = []
    for (let count = 0; count < 3; count++) {
      const raw = await Raw.connect(port)
      raw.write(request(somewhere))
      statuses.push((await raw.head()).status)
      raws.push(raw)
    }
    expect(statuses).toEqual([101, 101, 429])
    expect(proxy.stats()).toMatchObject({ tunnels: 2, accepted: 2, refusals: { maxTunnelsPerAddress: 1 } })
    raws[0]?.connection.destroy()
    await until(() => proxy.stats().tunnels === 1)
    const raw = await Raw.connect(port)
    raw.write(request(somewhere))
    expect((await raw.head()).status).toBe(101)
  })

  test('are given back by those who get no tunnel', async () => {
    const { port, proxy } = await proxied({ maxTunnels: 1, allow: 'public' })
    for (let count = 0; count < 3; count++) {
      const raw = await Raw.connect(port)
      raw.write(request(somewhere))
      expect((await raw.head()).status).toBe(403)
    }
    expect(proxy.stats().refusals).toMatchObject({ prohibited: 3, maxTunnels: 0 })
  })
})

describe('a proxy that takes nobody', () => {
  test('answers 503 while it is suspended, and goes on when it is resumed', async () => {
    const { port, proxy } = await proxied()
    await proxy.suspend()
    expect(proxy.accepting).toBe(false)
    const refused = await Raw.connect(port)
    refused.write(request(somewhere))
    expect((await refused.head()).status).toBe(503)
    await proxy.resume()
    const raw = await Raw.connect(port)
    raw.write(request(somewhere))
    expect((await raw.head()).status).toBe(101)
  })

  test('answers 503 to whoever is in the middle when it closes', async () => {
    let resolving = 0
    const lookup = (): Promise<string[]> => {
      resolving++
      return new Promise(() => {})
    }
    const { port, proxy } = await proxied({ lookup })
    const raw = await Raw.connect(port)
    raw.write(request(pathTo(53, 'some.example')))
    await until(() => resolving === 1)
    await proxy.close()
    expect((await raw.head()).status).toBe(503)
    expect(proxy.stats().refusals.closing).toBe(1)
  })

  test('leaves requests to the application when it is closed', async () => {
    const { port, proxy } = await proxied()
    await proxy.close()
    expect([proxy.state, await proxy.closed]).toEqual(['closed', { kind: 'local' }])
    const raw = await Raw.connect(port)
    raw.write(request(somewhere))
    expect((await raw.head()).status).toBe(404)
  })

  test('does not read what a hasty client sent behind a request that is refused', async () => {
    const { port, server } = await proxied({ allow: 'public' })
    const before = server.stats().requests
    const raw = await Raw.connect(port)
    raw.write(request(somewhere) + request('/smuggled', { Upgrade: undefined }))
    expect((await raw.head()).status).toBe(403)
    await until(() => raw.reason !== undefined)
    await quiet()
    expect(raw.bytes.toString()).not.toContain('404')
    expect(server.stats().requests - before).toBe(1)
  })
})
