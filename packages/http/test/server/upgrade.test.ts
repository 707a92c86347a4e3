import { ClosedError, lines } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { Exchange, HttpListener } from '../../src/index.ts'
import { ask, client, emptied, head, quiet, Signal, ways } from './ways.ts'

const offer = (target = '/', protocol = 'shout'): string =>
  head(`GET ${target} HTTP/1.1`, 'Connection: Upgrade', `Upgrade: ${protocol}`)

/** Speaks the other protocol: everything in capitals. */
function shout(exchange: Exchange): void {
  const { connection, head } = exchange.takeOver()
  connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n')
  const answer = (chunk: Uint8Array): void =>
    void connection.write(Buffer.from(chunk).toString().toUpperCase())
  connection.handle({ onData: answer }, head)
}

describe.each(ways)('upgrades over $name', (way) => {
  test.each(['at once', 'later'])(
    'a connection is taken over %s, with the bytes behind the head',
    async (when) => {
      await using server = await way.listen(async (exchange) => {
        if (when === 'later') await quiet()
        expect(exchange.offersUpgrade).toBe(true)
        shout(exchange)
      })
      const peer = await client(way, server)
      peer.write(offer() + 'early ')
      await quiet()
      peer.write('late')
      await peer.until(() => peer.text.endsWith('EARLY LATE'))
      peer.connection.end()
      await emptied(server)
    },
  )

  test('upgrade callbacks are asked in turn, and may be taken off', async () => {
    const asked: string[] = []
    await using server = await way.listen((exchange) => exchange.respond(200, {}, 'http'))
    const off = server.onUpgrade(({ request }) => {
      asked.push(`one ${request.upgrade?.join()}`)
      return false
    })
    server.onUpgrade((exchange) => {
      asked.push('two')
      if (exchange.request.target !== '/shout') return false
      shout(exchange)
      return true
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1') + offer('/other', 'Shout, Sing/2') + head('GET /after HTTP/1.1'))
    expect((await peer.replies(3)).map(({ body }) => body)).toEqual(['http', 'http', 'http'])
    expect(asked).toEqual(['one shout,sing/2', 'two'])
    off()
    peer.write(offer('/shout') + 'hey')
    await peer.until(() => peer.text.endsWith('HEY'))
    expect(asked).toHaveLength(3)
    peer.connection.end()
  })

  test('a callback that promises is waited for, and nobody else is asked before', async () => {
    const asked: string[] = []
    const gate = new Signal()
    await using server = await way.listen((exchange) => exchange.respond(200, {}, exchange.request.target))
    server.onUpgrade(async (exchange) => {
      asked.push('one')
      await gate.fired
      if (exchange.request.target !== '/one') return false
      shout(exchange)
      return true
    })
    server.onUpgrade(() => {
      asked.push('two')
      return false
    })
    const peer = await client(way, server)
    peer.write(offer('/none') + offer('/one') + 'hey')
    await quiet()
    expect(asked).toEqual(['one'])
    expect(peer.text).toBe('')
    gate.fire()
    await peer.until(() => peer.text.endsWith('HEY'))
    expect(peer.text).toMatch(/^HTTP\/1\.1 200 [^]*\/noneHTTP\/1\.1 101 /)
    expect(asked).toEqual(['one', 'two', 'one'])
    peer.connection.end()
    await emptied(server)
  })

  test.each(['at once', 'later'])('an offer that is declined %s goes on as HTTP', async (when) => {
    await using server = await way.listen(async (exchange) => {
      if (when === 'later') await quiet()
      await exchange.respond(200, {}, exchange.request.target)
    })
    const peer = await client(way, server)
    peer.write(offer('/1') + head('POST /2 HTTP/1.1', 'Content-Length: 2') + 'ab' + offer('/3'))
    expect((await peer.replies(3)).map(({ body }) => body)).toEqual(['/1', '/2', '/3'])
  })

  test('a request with a body is HTTP, whatever it offers', async () => {
    const outcome: unknown[] = []
    await using server = await way.listen(async (exchange) => {
      expect(exchange.offersUpgrade).toBe(false)
      const text = await exchange.request.body.text()
      try {
        exchange.takeOver()
      } catch (error) {
        outcome.push(error)
      }
      await exchange.respond(200, {}, text)
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: shout', 'Content-Length: 2') + 'ab')
    expect((await peer.replies(1))[0]?.body).toBe('ab')
    expect(outcome[0]).toBeInstanceOf(TypeError)
  })

  test('CONNECT opens a tunnel, even for a client that has ended already', async () => {
    await using server = await way.listen(async (exchange) => {
      await quiet()
      expect(exchange.request).toMatchObject({
        method: 'CONNECT',
        form: 'authority',
        authority: 'example:80',
      })
      const { connection, head } = exchange.takeOver()
      connection.write('HTTP/1.1 200 OK\r\n\r\n')
      connection.handle(
        { onData: (chunk) => void connection.write(chunk), onEnd: () => connection.end() },
        head,
      )
    })
    const peer = await client(way, server)
    peer.write(head('CONNECT example:80 HTTP/1.1') + 'through')
    peer.connection.end()
    expect(await peer.toEnd()).toMatch(/\r\n\r\nthrough$/)
    await emptied(server)
  })

  test('an answer cannot open a tunnel', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(exchange.request.target.startsWith('no') ? 403 : 200, {}, 'x'),
    )
    expect(await ask(way, server, head('CONNECT yes:80 HTTP/1.1'))).toMatch(/^HTTP\/1\.1 500 /)
    const peer = await client(way, server)
    peer.write(head('CONNECT no:80 HTTP/1.1') + head('GET no HTTP/1.1').replace('GET no', 'GET /no'))
    // What stands behind it may be what the client took for tunnelled already.
    expect(await peer.allReplies()).toMatchObject([{ status: 403, headers: { connection: 'close' } }])
  })

  test('a tunnel may speak in lines', async () => {
    await using server = await way.listen(async (exchange) => {
      const { connection } = exchange.takeOver()
      connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n')
      const talk = lines(connection)
      for await (const line of talk) await talk.send(line.toUpperCase())
    })
    const peer = await client(way, server)
    peer.write(offer())
    await peer.until(() => peer.text.includes('\r\n\r\n'))
    peer.write('ahoy\n')
    await peer.until(() => peer.text.endsWith('AHOY\n'))
    peer.connection.end()
  })

  test('a tunnel may be iterated', async () => {
    await using server = await way.listen(async (exchange) => {
      const { connection, head } = exchange.takeOver()
      connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n')
      connection.write(head)
      for await (const chunk of connection) connection.write(chunk)
      await connection.close()
    })
    const peer = await client(way, server)
    peer.write(offer() + 'early ')
    await peer.until(() => peer.text.endsWith('early '))
    peer.write('late')
    await peer.until(() => peer.text.endsWith('early late'))
    peer.connection.end()
    await emptied(server)
  })

  const failing: [string, (server: HttpListener) => void][] = [
    ['throws', (server) => server.onUpgrade(() => raise())],
    ['rejects', (server) => server.onUpgrade(async () => raise())],
  ]

  test.each(failing)('an upgrade callback that %s costs one exchange', async (_, arrange) => {
    await using server = await way.listen((exchange) => exchange.respond(200))
    arrange(server)
    expect(await ask(way, server, offer())).toMatch(/^HTTP\/1\.1 500 /)
  })

  test('a handler that throws after it took over loses the connection', async () => {
    await using server = await way.listen((exchange) => {
      exchange.takeOver()
      raise()
    })
    const peer = await client(way, server)
    peer.write(offer())
    await peer.toEnd()
    expect(peer.text).toBe('')
    await emptied(server)
  })

  test('what was taken over cannot be answered, and what is gone cannot be taken over', async () => {
    const outcome: unknown[] = []
    const exchanges: Exchange[] = []
    await using server = await way.listen((exchange) => void exchanges.push(exchange))
    const peer = await client(way, server)
    peer.write(offer())
    await quiet()
    peer.connection.destroy()
    await emptied(server)
    expect(() => exchanges[0]?.takeOver()).toThrow(ClosedError)

    const other = await client(way, server)
    other.write(offer())
    await quiet()
    const second = exchanges[1]
    const taken = second?.takeOver()
    await second?.respond(200).catch((error: unknown) => outcome.push(error))
    expect(outcome[0]).toMatchObject({ code: 'ERR_FAIRLEAD_BUSY' })
    expect(() => second?.takeOver()).toThrow('answered already')
    taken?.connection.destroy()
  })

  test('shutdown reaches what was taken over', async () => {
    const server = await way.listen((exchange) => shout(exchange))
    const peer = await client(way, server)
    peer.write(offer() + 'x')
    await peer.until(() => peer.text.endsWith('X'))
    await server.close()
    expect(peer.ended).toBe(true)
  })
})

function raise(): never {
  throw new Error('of an upgrade')
}
