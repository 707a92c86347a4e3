import { describe, expect, test } from 'vitest'

import { answer } from '../client/raw-server.ts'
import { watchStrays } from '../faults/harness.ts'
import { head } from '../server/ways.ts'
import { before, lines, memory, sockets } from './stage.ts'

watchStrays()

describe('the fields of a connection', () => {
  test('are taken off both ways, with all that Connection names', async () => {
    const fields = [
      'Connection: keep-alive, X-Own, close',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'X-Own: 1',
      'Proxy-Authenticate: Basic',
      'Upgrade: h2c',
    ]
    await using server = await memory.raw.open(() => answer('ok', ...fields))
    await using at = await before(memory, server, { proxy: { forwarded: false } })
    const client = await at.client()
    client.write(
      head(
        'GET / HTTP/1.1',
        'Connection: X-Own, Cookie',
        'connection: TE',
        'X-Own: 1',
        'Cookie: a',
        'TE: deflate',
        'Keep-Alive: 5',
        'Proxy-Authorization: Basic abc',
        'Proxy-Connection: close',
        'Trailer: X-Sum',
        'X-Kept: 1',
      ),
    )
    const [reply] = await client.replies(1)
    const { date: _, ...headers } = reply!.headers
    expect(headers).toEqual({ 'content-length': '2', via: '1.1 front' })
    const { asked } = await server.peer()
    expect(asked[0]?.fields.raw).toEqual(['Host', 'raw.example', 'X-Kept', '1', 'Via', '1.1 front'])
  })

  test('do not take off what was added here by a name that the client gave', async () => {
    await using server = await memory.raw.open(() => answer())
    await using at = await before(memory, server, {
      handler: (app) => (request, context) => {
        request.headers.set('X-User', 'known')
        return app(request, context)
      },
    })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1', 'Connection: X-User', 'X-User: forged'))
    await client.replies(1)
    expect((await server.peer()).asked[0]?.fields.all('x-user')).toEqual(['known'])
  })
})

describe('Host, and who asks', () => {
  const seen = async (
    options: Parameters<typeof before>[2],
    ...fields: string[]
  ): Promise<Record<string, string[]>> => {
    await using server = await sockets.raw.open(() => answer())
    await using at = await before(sockets, server, options)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1', ...fields))
    expect((await client.replies(1))[0]?.status).toBe(200)
    const { fields: got } = (await server.peer()).asked[0]!
    const names = [
      'host',
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'x-real-ip',
      'x-forwarded-port',
    ]
    return Object.fromEntries(
      names.map((name) => [name, got.all(name)]).filter(([, values]) => values!.length > 0),
    )
  }
  const forged = [
    'Forwarded: for=6.6.6.6',
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Port: 1',
    'X-Real-IP: 6.6.6.6',
  ]

  test('the Host is the server’s, and what anybody may have written of the client is not passed on', async () => {
    expect(await seen({}, ...forged)).toEqual({
      host: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
      forwarded: ['for=127.0.0.1;host=example;proto=http'],
      'x-forwarded-for': ['127.0.0.1'],
      'x-forwarded-proto': ['http'],
      'x-forwarded-host': ['example'],
    })
  })

  test.each([
    ['Forwarded', ['forwarded']],
    ['X-Forwarded', ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']],
    [false, []],
  ] as const)('with forwarded: %s, only that is written', async (forwarded, names) => {
    expect(Object.keys(await seen({ proxy: { forwarded, preserveHost: true } }, ...forged))).toEqual([
      'host',
      ...names,
    ])
  })

  test('preserveHost passes on the Host that the client asked for', async () => {
    expect((await seen({ proxy: { preserveHost: true } }))['host']).toEqual(['example'])
  })

  test('what trusted proxies said is written anew, and nothing that stands before it', async () => {
    const trusted = { trustProxy: { from: ['127.0.0.1'], fields: 'Forwarded' } } as const
    const said = 'Forwarded: for=6.6.6.6, for="[2001:DB8::1]:4711";proto=https;host="shop.example:8443"'
    expect(await seen({ serve: trusted }, said, 'X-Forwarded-For: 6.6.6.6')).toMatchObject({
      forwarded: [
        'for="[2001:db8::1]";host="shop.example:8443";proto=https, for=127.0.0.1;host=example;proto=http',
      ],
      'x-forwarded-for': ['2001:db8::1, 127.0.0.1'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': ['shop.example:8443'],
    })
  })

  test('what a trusted proxy writes of the other kind is not believed', async () => {
    const trusted = { trustProxy: { from: ['127.0.0.1'], fields: 'X-Forwarded' } } as const
    expect(
      await seen({ serve: trusted }, 'Forwarded: for=6.6.6.6', 'X-Forwarded-For: 192.0.2.9'),
    ).toMatchObject({
      forwarded: ['for=192.0.2.9;host=example;proto=http, for=127.0.0.1;host=example;proto=http'],
      'x-forwarded-for': ['192.0.2.9, 127.0.0.1'],
    })
  })
})

describe('Via and Max-Forwards', () => {
  test('Via is appended to what is there, both ways', async () => {
    await using server = await memory.raw.open(() => answer('', 'Via: 1.1 back'))
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1', 'Via: 2.0 cdn (some, comment)'))
    await client.replies(1)
    expect((await server.peer()).asked[0]?.fields.all('via')).toEqual([
      '2.0 cdn (some, comment)',
      '1.1 front',
    ])
    expect(lines(client.text).filter((line) => line.startsWith('Via'))).toEqual([
      'Via: 1.1 back',
      'Via: 1.1 front',
    ])
  })

  test.each(['1.1 FRONT', '1.0 a, 1.1 front (me)', '1.1 a', 'HTTP/1.1\tfront'])(
    'a request that was here before is 508: %s',
    async (via) => {
      await using server = await memory.raw.open(() => answer())
      await using at = await before(memory, server)
      const client = await at.client()
      client.write(head('GET / HTTP/1.1', `Via: ${via}`))
      const looped = via !== '1.1 a'
      expect((await client.replies(1))[0]?.status).toBe(looped ? 508 : 200)
      expect(at.errors).toHaveLength(looped ? 1 : 0)
      expect(server.peers).toHaveLength(looped ? 0 : 1)
    },
  )

  test('without a name, each proxy has one of its own', async () => {
    await using server = await memory.raw.open(() => answer())
    const names = new Set<string | undefined>()
    for (const count of [0, 1]) {
      await using at = await before(memory, server, { proxy: { via: undefined } as object })
      const client = await at.client()
      client.write(head('GET / HTTP/1.1'))
      await client.replies(1)
      names.add((await server.peer(count)).asked[0]?.fields.get('via'))
    }
    expect([...names]).toEqual([
      expect.stringMatching(/^1\.1 fairlead-[\da-f]{8}$/),
      expect.stringMatching(/^1\.1 fairlead-[\da-f]{8}$/),
    ])
  })

  test('Max-Forwards is counted down for OPTIONS, and nobody else', async () => {
    await using server = await memory.raw.open(() => answer())
    await using at = await before(memory, server)
    const client = await at.client()
    const asks = ['OPTIONS * HTTP/1.1', 'OPTIONS / HTTP/1.1', 'GET / HTTP/1.1']
    client.write(asks.map((line, at) => head(line, `Max-Forwards: ${at === 1 ? 0 : 3}`)).join(''))
    expect((await client.replies(3)).map(({ status }) => status)).toEqual([200, 200, 200])
    const { asked } = await server.peer()
    expect(asked.map(({ target, fields }) => [target, fields.all('max-forwards')])).toEqual([
      ['*', ['2']],
      ['/', ['3']],
    ])
  })
})
