import { describe, expect, test } from 'vitest'

import { client, head, ways } from '../server/ways.ts'
import { settled, watchStrays } from './harness.ts'

watchStrays()

const names = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'valueOf',
  '__defineGetter__',
]

/** Nothing was hung on what everybody shares. */
function unpolluted(): void {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  expect(Object.hasOwn(Object.prototype, 'yes')).toBe(false)
}

describe.each(ways)('16 names of object members over $name', (way) => {
  test.each(names)('%s as a field is one like any other', async (name) => {
    const seen: unknown[] = []
    await using server = await way.listen((exchange) => {
      const { headers } = exchange.request
      seen.push(headers.get(name), headers.all(name), headers.has(name), headers.get('absent'))
      return exchange.respond(200, { [`X-${name}`]: 'a', ['toString']: 'b', ['__proto__']: 'c' })
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', `${name}: polluted`, `${name.toUpperCase()}: too`, 'Connection: close'))
    const [reply] = await peer.allReplies()
    expect(reply?.status).toBe(200)
    expect(reply?.headers[`x-${name.toLowerCase()}`]).toBe('a')
    expect(seen).toEqual(['polluted, too', ['polluted', 'too'], true, undefined])
    unpolluted()
    await settled(server)
  })

  test.each(names)('%s that nobody sent is not there', async (name) => {
    const seen: unknown[] = []
    await using server = await way.listen((exchange) => {
      const { headers } = exchange.request
      seen.push(headers.get(name), headers.has(name), headers.all(name))
      return exchange.respond(200)
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Connection: close'))
    await peer.allReplies()
    expect(seen).toEqual([undefined, false, []])
  })

  test.each(names)('%s as a field, in a query and in JSON of a web-standard request', async (name) => {
    const seen: unknown[] = []
    await using server = await way.serve(async (request) => {
      const url = new URL(request.url)
      const json = (await request.json()) as Record<string, { polluted: string }>
      seen.push(
        request.headers.get(name),
        request.headers.get('constructor') === null || name === 'constructor',
        url.searchParams.get(name),
        json[name]?.polluted,
        Object.hasOwn(json, name),
      )
      return Response.json(json, { headers: { [name]: 'back' } })
    })
    const body = `{"${name}":{"polluted":"yes"}}`
    const peer = await client(way, server)
    const fields = [`${name}: field`, `Content-Length: ${body.length}`, 'Connection: close']
    peer.write(head(`POST /?${name}=query&${name}[polluted]=yes HTTP/1.1`, ...fields) + body)
    const [reply] = await peer.allReplies()
    expect(reply).toMatchObject({ status: 200, body })
    expect(reply?.headers[name.toLowerCase()]).toBe(name === '__proto__' ? undefined : 'back')
    expect(seen).toEqual(['field', true, 'query', 'yes', true])
    unpolluted()
    await settled(server)
  })

  test('as trailers, methods and protocols', async () => {
    const seen: unknown[] = []
    await using server = await way.listen(async (exchange) => {
      const { body, method, upgrade } = exchange.request
      await body.text()
      seen.push(method, upgrade, body.trailers?.get('__proto__'))
      await exchange.respond(200)
    })
    const peer = await client(way, server)
    peer.write(
      head('__proto__ / HTTP/1.1', 'Transfer-Encoding: chunked') + '0\r\n__proto__: polluted\r\n\r\n',
    )
    peer.write(head('GET / HTTP/1.1', 'Connection: upgrade, close', 'Upgrade: __proto__, constructor'))
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([200, 200])
    expect(seen).toEqual(['__proto__', undefined, 'polluted', 'GET', ['__proto__', 'constructor'], undefined])
    unpolluted()
  })

  test('fifty thousand names that collide are refused by their count, whatever the sizes allow', async () => {
    await using server = await way.listen(() => expect.unreachable(), { limits: { headBytes: 10_000_000 } })
    let text = 'GET / HTTP/1.1\r\nHost: example\r\n'
    // Of one length and one sum: what a poor hash takes for the same.
    for (let at = 0; at < 50_000; at++) {
      const bits = at.toString(2).padStart(16, '0')
      text += `${bits.replaceAll('0', 'ad').replaceAll('1', 'bc')}: x\r\n`
    }
    const peer = await client(way, server)
    peer.write(text)
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([431])
    expect(server.stats()).toMatchObject({ requests: 0, refused: { 431: 1 } })
    await settled(server)
  })
})

describe.each(ways)('what requests of one connection share, over $name', (way) => {
  test('is never seen changed by the next one', async () => {
    const seen: unknown[] = []
    await using server = await way.serve((request) => {
      seen.push([...request.headers].filter(([name]) => name.startsWith('x-')))
      request.headers.set('x-a', 'changed')
      request.headers.append('x-b', 'added')
      return new Response()
    })
    const peer = await client(way, server)
    for (let count = 1; count <= 4; count++) {
      peer.write(head('GET / HTTP/1.1', 'X-A: 1'))
      await peer.replies(count)
    }
    expect(seen).toEqual(Array.from({ length: 4 }, () => [['x-a', '1']]))
    peer.connection.destroy()
  })

  test('cannot be changed from the primitive either', async () => {
    const outcomes: unknown[] = []
    const seen: unknown[] = []
    await using server = await way.listen((exchange) => {
      const { headers, upgrade } = exchange.request
      seen.push(headers.get('x-a'), upgrade?.join())
      try {
        ;(headers.raw as string[]).push('X-A', '2')
      } catch (error) {
        outcomes.push(error)
      }
      return exchange.respond(200)
    })
    const peer = await client(way, server)
    for (let count = 1; count <= 3; count++) {
      peer.write(head('GET / HTTP/1.1', 'X-A: 1'))
      await peer.replies(count)
    }
    expect(seen).toEqual(['1', undefined, '1', undefined, '1', undefined])
    peer.connection.destroy()
  })

  test('answers of many connections with fields of one kind are each their own', async () => {
    const shared: Record<string, string> = { 'X-A': '0', 'Content-Type': 'text/plain' }
    await using server = await way.listen((exchange) => {
      const { target } = exchange.request
      // The same object, with other values: what was remembered of it must not be sent.
      shared['X-A'] = target
      return exchange.respond(200, shared, target)
    })
    const peers = await Promise.all(Array.from({ length: 8 }, () => client(way, server)))
    await Promise.all(
      peers.map(async (peer, of) => {
        for (let at = 0; at < 20; at++) peer.write(head(`GET /${of}-${at} HTTP/1.1`))
        const replies = await peer.replies(20)
        expect(replies.map(({ headers, body }) => [headers['x-a'], body])).toEqual(
          Array.from({ length: 20 }, (_, at) => [`/${of}-${at}`, `/${of}-${at}`]),
        )
        peer.connection.destroy()
      }),
    )
  })

  test('answers to all kinds of asking with the same fields are each framed for its own', async () => {
    const fields = { 'X-A': 'same' }
    await using server = await way.listen((exchange) => {
      const { target } = exchange.request
      if (target === '/none') return exchange.respond(204, fields)
      return exchange.respond(200, fields, target === '/stream' ? (new Blob(['ab']).stream() as never) : 'ab')
    })
    const kinds: [string, RegExp][] = [
      [head('GET / HTTP/1.1'), /Content-Length: 2\r\n[^]*\r\n\r\nab/],
      [head('HEAD / HTTP/1.1'), /Content-Length: 2\r\n[^]*\r\n\r\n$/],
      ['GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', /Connection: keep-alive\r\n\r\nab/],
      [head('GET /none HTTP/1.1'), /^HTTP\/1.1 204 (?![^]*Content-Length)/],
      [head('GET / HTTP/1.1', 'Connection: close'), /Connection: close\r\n\r\nab/],
      ['GET / HTTP/1.0\r\n\r\n', /Connection: close\r\n\r\nab/],
    ]
    for (const [text, answer] of [...kinds, ...kinds.toReversed(), ...kinds]) {
      const peer = await client(way, server)
      peer.write(text)
      peer.connection.end()
      expect(await peer.toEnd()).toMatch(answer)
    }
  })

  test('origins of hosts are each their own', async () => {
    await using server = await way.serve(({ url }) => new Response(url))
    const hosts = [
      'a.example',
      'A.EXAMPLE',
      'b.example:80',
      'b.example:81',
      '[::1]',
      '__proto__',
      'constructor',
    ]
    for (let round = 0; round < 2; round++) {
      for (const host of [...hosts, ...Array.from({ length: 70 }, (_, at) => `h${at}.example`)]) {
        const peer = await client(way, server)
        peer.write(`GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
        const [reply] = await peer.allReplies()
        expect(reply?.body).toBe(`http://${host.toLowerCase().replace(/:80$/, '')}/x`)
      }
    }
  })
})
