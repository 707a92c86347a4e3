import { afterEach, describe, expect, test } from 'vitest'

import { clientChannels, type ClientDiagnosticEvents, type RequestError } from '../../src/index.ts'
import { quiet, Signal, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, rawWays, response } from './raw-server.ts'

const offs: (() => void)[] = []
afterEach(() => {
  for (const off of offs.splice(0)) off()
})

type Names = keyof ClientDiagnosticEvents

/** What is told on all channels while a test runs, in its order. */
function heard(): [Names, Record<string, unknown>][] {
  const all: [Names, Record<string, unknown>][] = []
  for (const name of Object.keys(clientChannels) as Names[]) {
    const listener = (message: unknown): void => void all.push([name, message as Record<string, unknown>])
    clientChannels[name].subscribe(listener)
    offs.push(() => clientChannels[name].unsubscribe(listener))
  }
  return all
}

describe.each(rawWays)('what is counted over $name', (way) => {
  test('adds up', async () => {
    const gate = new Signal()
    await using server = await way.open((asked, peer) => {
      if (asked.target === '/lost') return peer.end()
      if (asked.target === '/slow') return void gate.fired.then(() => peer.write(answer('slow')))
      if (asked.target === '/302') return response('302 Found', '', 'Location: /there')
      return answer(asked.target)
    })
    await using client = server.client()
    expect(client.stats()).toEqual({
      requests: 0,
      active: 0,
      failed: 0,
      retries: 0,
      bytesIn: 0,
      bytesOut: 0,
      origins: {},
    })
    await (await client.request('/one')).text()
    await (await client.request('/302')).text()
    await (await client.request('/body', { body: 'x'.repeat(1_000) })).text()
    await (await client.request('/large', { body: Buffer.alloc(300_000) })).text()
    await (
      await client.request('/stream', {
        body: new Blob(['a', 'b']).stream(),
        trailers: () => ({ 'X-A': 'b' }),
      })
    ).text()
    await failure(client.request('/lost', { retry: false }))
    await failure(client.request('/', { method: 'BAD METHOD' }))
    await until(() => Object.keys(client.stats().origins).length === 0)
    const slow = client.request('/slow')
    await until(() => server.peers.at(-1)!.asked.at(-1)?.target === '/slow')
    const origin = new URL(server.url).origin
    expect(client.stats()).toMatchObject({
      requests: 8,
      active: 1,
      failed: 1,
      retries: 0,
      bytesOut: server.peers.reduce((sum, { text }) => sum + text.length, 0),
      origins: { [origin]: { ...nothing, connections: 1 } },
    })
    gate.fire()
    await (await slow).text()
    expect(client.stats()).toMatchObject({
      active: 0,
      bytesIn: ['/one', '', '/there', '/body', '/large', '/stream', 'slow'].reduce(
        (sum, body) =>
          sum + (body === '' ? response('302 Found', '', 'Location: /there') : answer(body)).length,
        0,
      ),
      origins: { [origin]: { ...nothing, connections: 1, idle: 1 } },
    })
  })

  test('is a copy, which nobody changes', async () => {
    await using server = await way.open(() => answer())
    await using client = server.client()
    const before = client.stats()
    await client.request('/')
    expect([before.requests, client.stats().requests]).toEqual([0, 1])
  })
})

describe('diagnostics', () => {
  test('tell of a request from its beginning to its end', async () => {
    const all = heard()
    await using server = await raw.open(() => answer('ahoy'))
    await using client = server.client()
    await (await client.request('http://u:p@raw.example/a?secret#f')).text()
    await (await client.request('/b')).text()
    expect(all.map(([name]) => name)).toEqual([
      'request',
      'connect',
      'send',
      'response',
      'end',
      'request',
      'send',
      'response',
      'end',
    ])
    const [request, connect, send, got, end] = all.map(([, message]) => message)
    expect(request).toEqual({
      request: { method: 'GET', url: 'http://raw.example/a', origin: 'http://raw.example' },
    })
    expect(connect).toEqual({
      origin: 'http://raw.example',
      connection: expect.anything() as unknown,
      duration: expect.any(Number) as number,
    })
    expect(send).toEqual({
      request: request!['request'],
      connection: connect!['connection'],
      attempt: 1,
      reused: false,
    })
    expect(got).toMatchObject({ response: { status: 200 } })
    expect(end).toMatchObject({ duration: expect.any(Number) as number })
    for (const message of [send, got, end]) expect(message!['request']).toBe(request!['request'])
    expect(all[6]![1]).toMatchObject({ attempt: 1, reused: true })
    expect(JSON.stringify(all.map(([, message]) => message['request']))).not.toMatch(/secret|u:p/)
  })

  test('tell of a connection that is refused', async () => {
    const all = heard()
    await using server = await raw.open()
    await using client = server.client({ connect: () => Promise.reject(new Error('refused')) })
    const error = await failure<RequestError>(client.request('/'))
    expect(all.map(([name]) => name)).toEqual(['request', 'refuse', 'error'])
    expect(all[1]![1]).toMatchObject({
      origin: 'http://raw.example',
      error: { message: 'Cannot connect: refused' },
    })
    expect([all[2]![1]['error'], all[2]![1]['request']]).toEqual([error, all[0]![1]['request']])
  })

  test('tell of a request that is sent again, and of one that fails in the middle', async () => {
    await using server = await raw.open()
    server.script = (asked, peer) => {
      if (asked.target === '/first') return answer()
      if (asked.target === '/again' && peer === server.peers[0]) return peer.end()
      if (asked.target === '/again') return answer('again')
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall')
      peer.end()
      return undefined
    }
    await using client = server.client()
    await client.request('/first')
    const all = heard()
    await (await client.request('/again')).text()
    expect(all.map(([name]) => name)).toEqual([
      'request',
      'send',
      'retry',
      'connect',
      'send',
      'response',
      'end',
    ])
    expect(all[4]![1]).toMatchObject({ attempt: 2, reused: false })
    all.length = 0
    await failure((await client.request('/cut')).text())
    expect(all.map(([name]) => name)).toEqual(['request', 'send', 'response', 'error'])
  })

  test('cost nothing but themselves when whoever listens asks for more', async () => {
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client({ maxConnections: 1 })
    const more: Promise<unknown>[] = []
    const listener = (): void => {
      if (more.length < 3) more.push(client.request('/more').then((got) => got.text()))
    }
    clientChannels.end.subscribe(listener)
    offs.push(() => clientChannels.end.unsubscribe(listener))
    expect(await (await client.request('/')).text()).toBe('/')
    await until(() => more.length === 3)
    expect(await Promise.all(more)).toEqual(['/more', '/more', '/more'])
    await quiet()
    expect([client.stats().active, server.peers.length]).toEqual([0, 1])
  })
})

test('a body that cannot be decoded is told of with its error', async () => {
  await using server = await raw.open(
    () => `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 40000\r\n\r\n${'x'.repeat(40_000)}`,
  )
  await using client = server.client()
  const told: unknown[] = []
  const listener = ({ error }: { error: unknown }): void => void told.push(error)
  clientChannels.error.subscribe(listener)
  const error = await failure((await client.request('/')).bytes())
  clientChannels.error.unsubscribe(listener)
  expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_CONTENT_CODING' })
  expect(told).toEqual([expect.objectContaining({ code: 'ERR_FAIRLEAD_HTTP_CONTENT_CODING' })])
})
