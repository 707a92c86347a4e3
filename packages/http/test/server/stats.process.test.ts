import { afterEach, describe, expect, test } from 'vitest'

import { httpChannels, type HttpDiagnosticEvents } from '../../src/server/diagnostics.ts'
import { client, emptied, head, quiet, Signal, until, ways } from './ways.ts'

const offs: (() => void)[] = []

afterEach(() => {
  for (const off of offs.splice(0)) off()
})

/** What is told on a channel while a test runs. */
function heard<Name extends keyof HttpDiagnosticEvents>(name: Name): HttpDiagnosticEvents[Name][] {
  const all: HttpDiagnosticEvents[Name][] = []
  const listener = (message: HttpDiagnosticEvents[Name]): void => void all.push(message)
  httpChannels[name].subscribe(listener)
  offs.push(() => httpChannels[name].unsubscribe(listener))
  return all
}

describe.each(ways)('what is counted over $name', (way) => {
  test('requests, answers, bytes and those under way', async () => {
    const gate = new Signal()
    await using server = await way.listen(async (exchange) => {
      const { target } = exchange.request
      if (target === '/slow') await gate.fired
      await exchange.respond(Number(target.slice(1)) || 200, {}, target === '/204' ? null : 'ahoy')
    })
    const peer = await client(way, server)
    const asked = ['/200', '/204', '/301', '/404', '/599', '/503']
      .map((it) => head(`GET ${it} HTTP/1.1`))
      .join('')
    peer.write(asked)
    await peer.replies(6)
    const slow = head('GET /slow HTTP/1.1')
    peer.write(slow)
    await until(() => server.stats().active === 1)
    expect(server.stats()).toMatchObject({
      requests: 7,
      active: 1,
      answers: { '1xx': 0, '2xx': 2, '3xx': 1, '4xx': 1, '5xx': 2 },
      refused: {},
      aborted: 0,
      upgrades: 0,
      bytesIn: asked.length + slow.length,
      bytesOut: peer.text.length,
    })
    gate.fire()
    await peer.replies(7)
    expect(server.stats()).toMatchObject({ active: 0, bytesOut: peer.text.length })
    const { connections } = server.stats()
    if (way.name === 'tcp') expect(connections).toMatchObject({ accepted: 1, open: 1 })
    else expect(connections).toBeUndefined()
  })

  test('bytes of streams are counted with what frames them', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          for (let count = 0; count < 3; count++) {
            await quiet()
            yield Buffer.alloc(10_000, 120)
          }
        })(),
      ),
    )
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Connection: close'))
    await peer.allReplies()
    expect(server.stats().bytesOut).toBe(peer.text.length)
  })

  test('what the server answers itself, and those who leave', async () => {
    const begun = new Signal()
    await using server = await way.listen((exchange) => {
      if (exchange.request.target === '/throw') throw new Error('a secret')
      begun.fire()
      return new Promise<void>(() => {})
    })
    for (const text of [
      'nonsense\r\n\r\n',
      head('GET /throw HTTP/1.1'),
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]) {
      const peer = await client(way, server)
      peer.write(text)
      await peer.allReplies()
    }
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await begun.fired
    peer.connection.destroy()
    await emptied(server)
    expect(server.stats()).toMatchObject({
      requests: 2,
      active: 0,
      answers: { '4xx': 1, '5xx': 2 },
      refused: { 400: 1, 500: 1, 505: 1 },
      aborted: 1,
    })
  })

  test('a copy is one', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200))
    const before = server.stats()
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1') + head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: x'))
    await peer.replies(2)
    expect(before.requests).toBe(0)
    expect(before.answers['2xx']).toBe(0)
  })

  test('connections that are taken over', async () => {
    await using server = await way.listen((exchange) => exchange.takeOver().connection.end())
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: x'))
    await peer.toEnd()
    expect(server.stats()).toMatchObject({ requests: 1, active: 0, upgrades: 1 })
  })
})

describe.each(ways)('what is told over $name', (way) => {
  test('of each request and its answer', async () => {
    const requests = heard('request')
    const answers = heard('answer')
    await using server = await way.listen((exchange) => {
      expect(requests.at(-1)?.exchange).toBe(exchange)
      const { target } = exchange.request
      return exchange.respond(
        target === '/' ? 200 : 404,
        {},
        target === '/' ? new Response('ahoy').body : 'no',
      )
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await peer.replies(1)
    const first = peer.text.length
    peer.write(head('GET /x HTTP/1.1', 'Connection: close'))
    await peer.allReplies()
    expect(requests.map(({ exchange }) => exchange.request.target)).toEqual(['/', '/x'])
    expect(answers.map(({ exchange }) => exchange)).toEqual(requests.map(({ exchange }) => exchange))
    expect(answers.map(({ status }) => status)).toEqual([200, 404])
    expect(answers.map(({ bytesOut }) => bytesOut)).toEqual([first, peer.text.length - first])
    for (const { duration } of answers) expect(duration).toBeGreaterThanOrEqual(0)
  })

  test('of errors, with the 500 that followed', async () => {
    const errors = heard('error')
    const answers = heard('answer')
    const thrown = new Error('a secret')
    await using server = await way.listen(() => Promise.reject(thrown))
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    expect(await peer.allReplies()).toMatchObject([{ status: 500 }])
    expect(peer.text).not.toContain('secret')
    expect(errors).toMatchObject([{ error: thrown, exchange: { answered: false } }])
    expect(answers).toMatchObject([
      { status: 500, exchange: errors[0]?.exchange, bytesOut: peer.text.length },
    ])
  })

  test.each([
    [400, 'nonsense\r\n\r\n'],
    [417, head('GET / HTTP/1.1', 'Expect: a-cake')],
    [431, head('GET / HTTP/1.1', `A: ${'b'.repeat(20_000)}`)],
    [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('of what was refused with %d before anybody heard of it', async (status, text) => {
    const refusals = heard('refuse')
    const others = [heard('request'), heard('answer'), heard('error')]
    await using server = await way.listen((exchange) => exchange.respond(200))
    const peer = await client(way, server)
    peer.write(text)
    await peer.allReplies()
    expect(refusals).toMatchObject([{ status, error: { statusHint: status } }])
    expect(refusals[0]?.connection.remoteAddress).toBeDefined()
    expect(others).toEqual([[], [], []])
  })

  test('nothing to those who came too late', async () => {
    const gate = new Signal()
    await using server = await way.listen(async (exchange) => {
      await gate.fired
      await exchange.respond(200)
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Connection: close'))
    await until(() => server.stats().active === 1)
    const answers = heard('answer')
    gate.fire()
    await peer.allReplies()
    expect(answers).toEqual([])
  })
})
