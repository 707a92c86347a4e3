import { describe, expect, test } from 'vitest'

import { proxy } from '../../src/proxy/index.ts'
import { answer } from '../client/raw-server.ts'
import { watchStrays } from '../faults/harness.ts'
import { head, quiet, until } from '../server/ways.ts'
import { before, front, memory, stages } from './stage.ts'

watchStrays()

describe.each(stages)('the life of a proxy over $name', (stage) => {
  test('close waits for what is under way, and lets go of what is not', async () => {
    await using server = await stage.raw.open(({ target }) => (target === '/slow' ? undefined : answer('ok')))
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    await client.replies(1)
    client.write(head('GET /slow HTTP/1.1'))
    const peer = await server.peer()
    await peer.request(2)
    let closed = false
    const closing = at.proxy.close().then(() => (closed = true))
    await quiet()
    expect([at.proxy.state, closed]).toEqual(['closing', false])
    peer.write(answer('at last'))
    expect((await client.replies(2))[1]?.body).toBe('at last')
    await closing
    expect([at.proxy.state, await at.proxy.closed]).toEqual(['closed', { kind: 'local' }])
    await until(() => peer.gone)
    await at.proxy.close()
  })

  test('a grace that is over cuts what is left', async () => {
    await using server = await stage.raw.open(() => undefined)
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    const peer = await server.peer()
    await peer.request()
    await at.proxy.close({ grace: 1 })
    expect((await client.replies(1))[0]?.status).toBe(503)
    await until(() => peer.gone)
    expect(at.proxy.stats()).toMatchObject({ active: 0, origins: {} })
  })

  test('destroy ends everything at once', async () => {
    await using server = await stage.raw.open(({ target }) =>
      target === '/half' ? 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' : undefined,
    )
    await using at = await before(stage, server)
    const [one, other] = [await at.client(), await at.client()]
    one.write(head('GET /half HTTP/1.1'))
    await one.until(() => one.text.endsWith('abc'))
    other.write(head('GET / HTTP/1.1'))
    await (await server.peer(1)).request()
    at.proxy.destroy()
    expect(at.proxy.state).toBe('closed')
    await until(() => one.reason !== undefined)
    expect(one.text.endsWith('abc')).toBe(true)
    expect((await other.replies(1))[0]?.status).toBe(503)
    await until(() => server.peers.every((peer) => peer.gone))
  })

  test('what counts is counted, and is zero in the end', async () => {
    await using server = await stage.raw.open(() => answer('ok'))
    await using at = await before(stage, server, { proxy: { maxConnections: 2 } })
    const clients = await Promise.all(Array.from({ length: 8 }, () => at.client()))
    for (const client of clients) client.write(head('GET / HTTP/1.1').repeat(5))
    for (const client of clients) expect(await client.replies(5)).toHaveLength(5)
    await until(() => at.proxy.stats().active === 0)
    const stats = at.proxy.stats()
    expect(stats).toMatchObject({ requests: 40, failed: 0, retries: 0, tunnels: 0 })
    expect(Object.values(stats.origins)).toMatchObject([{ connections: 2, idle: 2, queued: 0 }])
    expect(server.peers.length).toBe(2)
  })
})

describe('hooks', () => {
  test('say what goes on, and what comes back', async () => {
    await using server = await memory.raw.open(({ target }) => answer(target, 'Server: them', 'X-Status: 1'))
    const seen: unknown[] = []
    await using at = await before(memory, server, {
      proxy: {
        onRequest: ({ method, target, headers }, request) => {
          seen.push([method, target, request.url])
          return {
            target: `/v2${target}`,
            headers: headers.with('Authorization', 'Bearer 1').without('Cookie'),
          }
        },
        onResponse: async ({ status, headers }, request) => {
          seen.push([status, request.method])
          return { status: 203, headers: headers.without('Server') }
        },
      },
    })
    const client = await at.client()
    client.write(head('GET /a HTTP/1.1', 'Cookie: a=b'))
    const [reply] = await client.replies(1)
    expect([reply?.status, reply?.body, reply?.headers['server']]).toEqual([203, '/v2/a', undefined])
    const { fields } = (await server.peer()).asked[0]!
    expect([fields.get('authorization'), fields.get('cookie')]).toEqual(['Bearer 1', undefined])
    expect(seen).toEqual([
      ['GET', '/a', 'http://example/a'],
      [200, 'GET'],
    ])
  })

  test('that give nothing change nothing', async () => {
    await using server = await memory.raw.open(({ target }) => answer(target))
    await using at = await before(memory, server, {
      proxy: { onRequest: () => {}, onResponse: () => undefined },
    })
    const client = await at.client()
    client.write(head('GET /a HTTP/1.1'))
    expect((await client.replies(1))[0]).toMatchObject({ status: 200, body: '/a' })
  })

  test('cannot write what would be another request', async () => {
    await using server = await memory.raw.open(() => answer())
    for (const target of ['/a b', '/a\r\nX: y', 'b', 'http://other.example', '/#a']) {
      await using at = await before(memory, server, { proxy: { onRequest: () => ({ target }) } })
      const client = await at.client()
      client.write(head('GET / HTTP/1.1'))
      const sent = target.startsWith('http')
      expect([target, (await client.replies(1))[0]?.status]).toEqual([target, sent ? 200 : 500])
    }
  })
})

describe('a target for each request', () => {
  test('is named by a function that sees the request and who asks', async () => {
    await using one = await memory.raw.open(() => answer('one'))
    await using other = await memory.raw.open(() => answer('other'))
    const by = { 'one.example': one, 'other.example': other }
    await using at = await front(
      memory,
      async ({ url }, context) => {
        expect(context?.client.host).toBe('example')
        return `http://${new URL(url).pathname.slice(1)}.example`
      },
      {
        proxy: {
          allow: () => true,
          connect: (target) => by[target.host as keyof typeof by].options.connect!(target),
        },
      },
    )
    const client = await at.client()
    client.write(head('GET /one HTTP/1.1') + head('GET /other HTTP/1.1') + head('GET /one HTTP/1.1'))
    expect((await client.replies(3)).map(({ body }) => body)).toEqual(['one', 'other', 'one'])
    expect(Object.keys(at.proxy.stats().origins)).toEqual(['http://one.example', 'http://other.example'])
  })
})

test('a proxy goes by the name of what made it', async () => {
  await using made = proxy('http://127.0.0.1:1')
  expect([made.name, made.length]).toEqual(['proxy', 2])
})
