import { AsyncLocalStorage } from 'node:async_hooks'

import { describe, expect, test } from 'vitest'

import type { Exchange } from '../../src/index.ts'
import { ask, client, head, quiet, Signal, until, ways } from './ways.ts'

const target = ({ request }: Exchange): string => request.target

describe.each(ways)('keep-alive and pipelining over $name', (way) => {
  test.each(['fails', 'says so', 'closes the listener'])(
    'behind an answer that is the last, because it %s, nobody is asked',
    async (how) => {
      const asked: string[] = []
      await using server = await way.listen((exchange) => {
        asked.push(exchange.request.target)
        if (exchange.request.target === '/1') return exchange.respond(200)
        if (how === 'fails') throw new Error('of the handler')
        if (how === 'closes the listener') void server.close()
        return exchange.respond(200, how === 'says so' ? { Connection: 'close' } : {})
      })
      const peer = await client(way, server)
      peer.write(['/1', '/2', '/3', '/4'].map((path) => head(`GET ${path} HTTP/1.1`)).join(''))
      expect(await peer.allReplies()).toHaveLength(2)
      expect(asked).toEqual(['/1', '/2'])
      expect(server.stats()).toMatchObject({ requests: 2, active: 0 })
    },
  )

  test('a 1.1 connection serves one request after the other', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, target(exchange)))
    const peer = await client(way, server)
    for (const path of ['/1', '/2', '/3']) {
      peer.write(head(`GET ${path} HTTP/1.1`))
      const reply = (await peer.replies(Number(path[1]))).at(-1)
      expect(reply).toMatchObject({ status: 200, body: path })
      expect(reply?.headers['connection']).toBeUndefined()
    }
  })

  test('a 1.0 connection is kept when asked for, and closed when not', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, target(exchange)))
    const kept = await client(way, server)
    kept.write('GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    expect((await kept.replies(1))[0]?.headers['connection']).toBe('keep-alive')
    kept.write('GET /2 HTTP/1.0\r\n\r\n')
    const replies = await kept.allReplies()
    expect(replies.map(({ body }) => body)).toEqual(['/1', '/2'])
    expect(replies[1]?.headers['connection']).toBe('close')
  })

  test('a client that asks to close is told so, and what follows is nobody’s', async () => {
    const seen: string[] = []
    await using server = await way.listen((exchange) => {
      seen.push(target(exchange))
      return exchange.respond(200, {}, 'last')
    })
    const text = await ask(
      way,
      server,
      head('GET /1 HTTP/1.1', 'Connection: close') + head('GET /2 HTTP/1.1') + 'x',
    )
    expect(text).toMatch(/Connection: close\r\n[^]*last$/)
    expect(seen).toEqual(['/1'])
  })

  test('an application that says Connection: close means it', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, { Connection: 'close' }, 'x'))
    expect(await ask(way, server, head('GET / HTTP/1.1'))).toMatch(/\r\n\r\nx$/)
  })

  test('answers keep the order of the requests, the first being slow', async () => {
    const gate = new Signal()
    await using server = await way.listen(async (exchange) => {
      if (target(exchange) === '/1') await gate.fired
      await exchange.respond(200, {}, target(exchange))
    })
    const peer = await client(way, server)
    peer.write(['/1', '/2', '/3'].map((path) => head(`GET ${path} HTTP/1.1`)).join(''))
    await until(() => server.connections.size === 1)
    expect(peer.text).toBe('')
    gate.fire()
    expect((await peer.replies(3)).map(({ body }) => body)).toEqual(['/1', '/2', '/3'])
  })

  test.each(['at once', 'in a promise'])(
    'a thousand requests that come together are answered %s',
    async (how) => {
      await using server = await way.listen(async (exchange) => {
        if (how !== 'at once') await Promise.resolve()
        await exchange.respond(200, {}, target(exchange))
      })
      const paths = Array.from({ length: 1000 }, (_, at) => `/${at}`)
      const peer = await client(way, server)
      peer.write(paths.map((path) => head(`GET ${path} HTTP/1.1`)).join(''))
      expect((await peer.replies(1000)).map(({ body }) => body)).toEqual(paths)
    },
  )

  test.each(['at once', 'in a promise'])('answers that are given %s leave in one write', async (how) => {
    await using server = await way.listen(async (exchange) => {
      if (how !== 'at once') await Promise.resolve()
      await exchange.respond(200, {}, 'ünï')
    })
    const peer = await client(way, server)
    await until(() => server.connections.size === 1)
    const [connection] = server.connections
    if (!connection) throw new Error('no connection')
    let corks = 0
    let corked = 0
    let left = 0
    const { write, cork, uncork } = connection
    connection.write = (...data) => {
      if (corks > 0) corked++
      else left++
      return write.apply(connection, data)
    }
    connection.cork = () => {
      corks++
      cork.call(connection)
    }
    connection.uncork = () => {
      uncork.call(connection)
      if (--corks > 0 || corked === 0) return
      left++
      corked = 0
    }
    peer.write(head('GET / HTTP/1.1').repeat(16))
    await peer.replies(16)
    expect(left).toBe(1)
  })

  test('an error in the middle of a pipeline leaves the answers before it', async () => {
    await using server = await way.listen(async (exchange) => {
      await Promise.resolve()
      await exchange.respond(200, {}, target(exchange))
    })
    const peer = await client(way, server)
    peer.write(
      head('GET /1 HTTP/1.1') + head('GET /2 HTTP/1.1') + 'nonsense\r\n\r\n' + head('GET /4 HTTP/1.1'),
    )
    const replies = await peer.allReplies()
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 400])
    expect(replies.map(({ body }) => body)).toEqual(['/1', '/2', '400 Bad Request\n'])
  })

  test('a client that pipelines and never reads is not served for ever', async () => {
    let served = 0
    await using server = await way.listen((exchange) => {
      served++
      return exchange.respond(200, {}, 'x'.repeat(60_000))
    })
    const connection = await way.connect(server)
    const asked = 5_000
    connection.write(head('GET / HTTP/1.1').repeat(asked))
    await until(() => served > 0)
    let before = -1
    while (served !== before) {
      before = served
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(served).toBeLessThan(asked / 2)
    for (const { buffered } of server.connections) expect(buffered).toBeLessThan(300_000)
    connection.destroy()
  })

  test('the requests of a connection share no asynchronous context', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const served = async (path: string, respond: () => Promise<void>): Promise<void> => {
      seen.push(storage.getStore())
      await storage.run(path, async () => {
        // Answered at once, in a microtask, and in another turn.
        if (path > '/2') await quiet()
        else if (path > '/1') await Promise.resolve()
        await respond()
      })
    }
    await using server = await way.listen((exchange) => served(target(exchange), () => exchange.respond(200)))
    const peer = await client(way, server)
    const paths = ['/1', '/2', '/3', '/2', '/1', '/3', '/3']
    peer.write(paths.map((path) => head(`GET ${path} HTTP/1.1`)).join(''))
    await peer.replies(paths.length)
    peer.write(head('POST /3 HTTP/1.1', 'Content-Length: 1') + 'x')
    peer.write(head('GET /4 HTTP/1.1'))
    await peer.replies(paths.length + 2)
    expect(seen).toEqual(Array.from({ length: paths.length + 2 }))
    peer.connection.destroy()
  })

  const exchange =
    head('POST /1 HTTP/1.1', 'Content-Length: 3') + 'abc' + head('GET /2 HTTP/1.1', 'Connection: close')

  test('the same bytes are answered the same, however they are split', async () => {
    await using server = await way.listen(async (exchange) => {
      await exchange.respond(200, {}, target(exchange) + (await exchange.request.body.text()))
    })
    const expected = ['/1abc', '/2']
    const sent = async (parts: string[]): Promise<void> => {
      const peer = await client(way, server)
      for (const part of parts) {
        peer.write(part)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect((await peer.allReplies()).map(({ body }) => body)).toEqual(expected)
    }
    await sent([exchange])
    await sent(exchange.split(''))
    const splits = exchange.split('').map((_, at) => [exchange.slice(0, at), exchange.slice(at)])
    await Promise.all(splits.map((parts) => sent(parts.filter((part) => part !== ''))))
  })
})
