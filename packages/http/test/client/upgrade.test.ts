import { lines } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { RequestError, upgrade, type UpgradeOptions } from '../../src/index.ts'
import { quiet, until, ways } from '../server/ways.ts'
import { clientOf } from './own-server.ts'
import { answer, failure, nothing, raw, rawWays, response, standing } from './raw-server.ts'

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n'

describe.each(rawWays)('an upgrade over $name', (way) => {
  test('asks for the protocol, and gives connection and leftover bytes', async () => {
    await using server = await way.open(() => `${switching}early `)
    await using client = server.client()
    const got = await client.upgrade('/a?b', { protocol: 'shout', headers: { 'X-A': 'b' } })
    const [asked] = server.peers[0]!.asked
    expect([
      asked!.method,
      asked!.target,
      asked!.fields.get('connection'),
      asked!.fields.get('upgrade'),
      asked!.fields.get('x-a'),
    ]).toEqual(['GET', '/a?b', 'Upgrade', 'shout', 'b'])
    expect(asked!.fields.has('accept-encoding')).toBe(false)
    expect([got.response.status, got.response.headers.get('upgrade'), got.response.complete]).toEqual([
      101,
      'shout',
      true,
    ])
    expect(Buffer.from(got.head!).toString()).toBe('early ')
    // The client has nothing to do with it any more.
    expect([standing(client), client.stats()]).toMatchObject([
      nothing,
      { requests: 1, active: 0, failed: 0, origins: {} },
    ])
    const heard: string[] = []
    got.connection!.handle({ onData: (chunk) => void heard.push(Buffer.from(chunk).toString()) }, got.head)
    server.peers[0]!.write('late')
    await until(() => heard.join('') === 'early late')
    const before = server.peers[0]!.text.length
    got.connection!.write('over to you')
    await until(() => server.peers[0]!.text.length > before)
    await client.close()
    expect(got.connection!.state).toBe('open')
    got.connection!.destroy()
  })

  test('gives a connection that can be iterated, and framed', async () => {
    await using server = await way.open(() => switching)
    await using client = server.client()
    const { connection } = await client.upgrade('/', { protocol: 'shout' })
    const framed = lines(connection!)
    server.peers[0]!.write('one\ntw')
    server.peers[0]!.write('o\n')
    const all: string[] = []
    for await (const line of framed) {
      all.push(line)
      if (all.length === 2) break
    }
    expect(all).toEqual(['one', 'two'])
    connection!.destroy()

    const plain = await client.upgrade('/', { protocol: 'shout' })
    await quiet()
    server.peers[1]!.write('three')
    for await (const chunk of plain.connection!) {
      expect(Buffer.from(chunk).toString()).toBe('three')
      break
    }
    plain.connection!.destroy()
  })

  test('keeps what comes before anybody reads the connection', async () => {
    await using server = await way.open(() => switching)
    await using client = server.client()
    const { connection, head } = await client.upgrade('/', { protocol: 'shout' })
    expect(head!.byteLength).toBe(0)
    server.peers[0]!.write('while nobody')
    server.peers[0]!.write(' reads')
    server.peers[0]!.end()
    await quiet()
    let text = ''
    for await (const chunk of connection!) text += Buffer.from(chunk).toString()
    expect(text).toBe('while nobody reads')
  })

  test('that is declined has an answer like any other, and its connection is kept', async () => {
    await using server = await way.open((asked) =>
      asked.target === '/' ? response('426 Upgrade Required', 'no') : answer('next'),
    )
    await using client = server.client()
    const got = await client.upgrade('/', { protocol: 'shout' })
    expect([got.connection, got.head, got.response.status, await got.response.text()]).toEqual([
      undefined,
      undefined,
      426,
      'no',
    ])
    const next = await client.request('/next')
    expect([await next.text(), next.reused]).toEqual(['next', true])
  })

  test('that is answered by a redirect is not followed', async () => {
    await using server = await way.open(() => response('302 Found', '', 'Location: /there'))
    await using client = server.client()
    const got = await client.upgrade('/', { protocol: 'shout' })
    expect([got.response.status, got.connection, server.peers[0]!.asked.length]).toEqual([302, undefined, 1])
  })

  test.each([
    ['another protocol', switching.replace('shout', 'whisper')],
    ['none at all', switching.replace('Upgrade: shout\r\n', '')],
    ['one without Connection', switching.replace('Connection: Upgrade\r\n', '')],
  ])('to %s is an error', async (_what, bytes) => {
    await using server = await way.open(() => bytes)
    await using client = server.client()
    const error = await failure<RequestError>(client.upgrade('/', { protocol: 'shout' }))
    expect(error).toBeInstanceOf(RequestError)
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_UNEXPECTED', retryable: false })
    await until(() => server.peers[0]!.gone)
    expect([standing(client), client.stats().active]).toEqual([nothing, 0])
  })

  test('behind 1xx answers is one all the same', async () => {
    await using server = await way.open(() => `HTTP/1.1 103 Early Hints\r\n\r\n${switching}`)
    await using client = server.client()
    const got = await client.upgrade('/', { protocol: 'SHOUT' })
    expect([got.response.status, got.response.informational.map(({ status }) => status)]).toEqual([
      101,
      [103],
    ])
    got.connection!.destroy()
  })

  test('is never sent again', async () => {
    await using server = await way.open((asked, peer) => (asked.target === '/first' ? answer() : peer.end()))
    await using client = server.client()
    await client.request('/first')
    const error = await failure<RequestError>(client.upgrade('/', { protocol: 'shout' }))
    // On a connection of its own, that no server can be about to close.
    expect(error).toMatchObject({ reused: false, attempts: 1, retryable: false })
    expect(server.peers).toHaveLength(2)
  })
})

test.each([
  ['nothing', undefined],
  ['no protocol', {}],
  ['an empty protocol', { protocol: '' }],
  ['a protocol with a line break', { protocol: 'a\r\nX-A: b' }],
  ['Upgrade said twice', { protocol: 'a', headers: { Upgrade: 'b' } }],
])('%s is refused', async (_what, options) => {
  await using server = await raw.open(() => switching)
  await using client = server.client()
  expect(await failure(client.upgrade('/', options as UpgradeOptions))).toBeInstanceOf(TypeError)
  await quiet()
  expect([server.peers.length, client.stats().active]).toEqual([0, 0])
})

describe.each(ways)('our own server over $name', (way) => {
  test('goes on with the other protocol', async () => {
    await using server = await way.listen((exchange) => {
      const taken = exchange.takeOver()
      taken.connection.write(switching)
      taken.connection.handle(
        { onData: (chunk) => void taken.connection.write(Buffer.from(chunk).toString().toUpperCase()) },
        taken.head,
      )
    })
    const client = clientOf(server)
    const { connection, head } = await client.upgrade('/', { protocol: 'shout' })
    const heard: string[] = []
    connection!.handle({ onData: (chunk) => void heard.push(Buffer.from(chunk).toString()) }, head)
    connection!.write('ahoy')
    await until(() => heard.join('') === 'AHOY')
    connection!.destroy()
    await client.close()
  })
})

test('the function upgrades on the client that all share', async () => {
  await using server = await rawWays[1]!.open(() => switching)
  const got = await upgrade(server.url, { protocol: 'shout' })
  expect(got.response.status).toBe(101)
  got.connection!.destroy()
})
