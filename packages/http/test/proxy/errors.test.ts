import { SocketError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import type { ProxyOptions } from '../../src/proxy/index.ts'
import { answer } from '../client/raw-server.ts'
import { never, watchStrays } from '../faults/harness.ts'
import { head, quiet, until } from '../server/ways.ts'
import { before, front, memory, sockets } from './stage.ts'

watchStrays()

const clock = useManualClock()
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

describe('what cannot be passed on', () => {
  test('nobody there is 502, and says nothing of whom', async () => {
    const listener = await tcp.listen({ port: 0 })
    const { port } = listener.address as { port: number }
    await listener.close()
    await using at = await front(sockets, `http://127.0.0.1:${port}/secret`)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    const [reply] = await client.replies(1)
    expect(reply).toMatchObject({ status: 502, body: '502 Bad Gateway\n' })
    expect(client.text).not.toMatch(/127\.0|secret|\d{5}/)
    expect(at.errors).toMatchObject([{ name: 'RequestError', code: 'ERR_FAIRLEAD_CONNECT' }])
    client.write(head('HEAD / HTTP/1.1') + head('GET / HTTP/1.1'))
    expect((await client.replies(3, 'GET', 'HEAD')).map(({ status }) => status)).toEqual([502, 502, 502])
  })

  test.each<[string, string, 'stay' | 'end' | 'reset']>([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'stay'],
    ['the end', '', 'end'],
    ['a reset', '', 'reset'],
    ['half a head', 'HTTP/1.1 200 OK\r\nA: b', 'end'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'stay'],
    [
      'length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na',
      'stay',
    ],
    ['a bare CR', 'HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: c\r\n\r\n', 'stay'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n', 'stay'],
    ['an unasked upgrade', 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', 'stay'],
    ['a status that is none', 'HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n', 'stay'],
    ['a chunk that is none', `${chunked}zz\r\n`, 'stay'],
    ['a chunk, and then one that is none', `${chunked}2\r\nab\r\nzz\r\n`, 'stay'],
    ['half of its first chunk', `${chunked}5\r\nab`, 'end'],
    ['less than it says', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'end'],
    ['interim answers without end', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100), 'stay'],
  ])('a server that answers with %s is 502', async (_what, text, then) => {
    await using server = await memory.raw.open((_, peer) => {
      peer.write(text)
      if (then === 'end') peer.end()
      if (then === 'reset') peer.reset()
    })
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(head('POST / HTTP/1.1', 'Content-Length: 0'))
    await client.until(() => client.text.includes('HTTP/1.1 502 ') && client.text.endsWith('\n'))
    expect(client.text.endsWith('502 Bad Gateway\n')).toBe(true)
    expect(at.errors).toHaveLength(1)
    expect(SocketError.is(at.errors[0])).toBe(true)
    expect([at.strays, at.proxy.stats().active]).toEqual([[], 0])
  })

  test.each<[string, ProxyOptions['timeouts']]>([
    ['its answer', { headers: 1_000 }],
    ['all of it', { total: 1_000 }],
  ])('no time left for %s is 504', async (_what, timeouts) => {
    await using server = await memory.raw.open()
    await using at = await before(memory, server, { proxy: { timeouts: timeouts! } })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    await (await server.peer()).request()
    clock.advance(2_000)
    expect((await client.replies(1))[0]).toMatchObject({ status: 504, body: '504 Gateway Timeout\n' })
    expect(at.errors).toMatchObject([{ code: 'ERR_FAIRLEAD_TIMEOUT' }])
    expect((await server.peer()).gone).toBe(true)
  })

  test('no time left for a connection is 504', async () => {
    await using at = await front(memory, 'http://deaf.example', {
      proxy: { connect: () => never, timeouts: { connect: 10 } },
    })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]).toMatchObject({ status: 504 })
    expect(at.errors).toMatchObject([{ code: 'ERR_FAIRLEAD_TIMEOUT', phase: 'connect' }])
  })

  test('an answer that stalls is cut', async () => {
    await using server = await memory.raw.open(() => 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')
    await using at = await before(memory, server, { proxy: { timeouts: { body: 1_000 } } })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    await client.until(() => client.text.endsWith('abc'))
    clock.advance(2_000)
    await until(() => client.reason !== undefined)
    expect(client.text.endsWith('abc')).toBe(true)
    expect(at.errors).toMatchObject([{ code: 'ERR_FAIRLEAD_TIMEOUT', phase: 'body' }])
  })

  test('more that wait than may are 503, and so are those that wait too long', async () => {
    await using server = await memory.raw.open()
    await using at = await before(memory, server, {
      proxy: { maxConnections: 1, maxQueued: 1, queueTimeout: 1_000 },
    })
    const clients = []
    for (let count = 0; count < 3; count++) {
      const client = await at.client()
      client.write(head('GET / HTTP/1.1'))
      clients.push(client)
      await quiet()
    }
    const [first, second, third] = clients
    const refused = { status: 503, body: '503 Service Unavailable\n', headers: { 'retry-after': '1' } }
    expect((await third!.replies(1))[0]).toMatchObject(refused)
    expect(second!.text).toBe('')
    clock.advance(2_000)
    expect((await second!.replies(1))[0]).toMatchObject(refused)
    ;(await server.peer()).write(answer('ok'))
    expect((await first!.replies(1))[0]).toMatchObject({ status: 200 })
    expect(at.errors).toMatchObject([{ cause: { limit: 'maxQueued' } }, { cause: { limit: 'queueTimeout' } }])
    await quiet()
    expect(server.peers.flatMap(({ asked }) => asked)).toHaveLength(1)
    expect(at.proxy.stats()).toMatchObject({ active: 0, requests: 3, failed: 2 })
  })

  test('behind close it is 503', async () => {
    await using at = await front(memory, 'http://nobody.example')
    await at.proxy.close()
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]).toMatchObject({ status: 503 })
    expect(at.errors).toMatchObject([{ code: 'ERR_FAIRLEAD_CLOSED' }])
  })

  const bad = new Error('it was the callback')
  const thrower = (): never => {
    throw bad
  }
  const rejecter = (): Promise<never> => Promise.reject(bad)
  test.each<[string, ProxyOptions]>([
    ['onRequest throws', { onRequest: thrower }],
    ['onRequest rejects', { onRequest: rejecter }],
    ['onResponse throws', { onResponse: thrower }],
    ['onResponse rejects', { onResponse: rejecter }],
  ])('when %s it is 500, and the server is let go', async (_how, options) => {
    await using server = await memory.raw.open(() => 'HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\nabc')
    await using at = await before(memory, server, { proxy: options })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]).toMatchObject({ status: 500, body: '500 Internal Server Error\n' })
    await until(() => at.proxy.stats().active === 0)
    expect([at.errors, at.strays]).toEqual([[bad], []])
    expect(at.proxy.stats().origins).toEqual({})
  })

  test.each<[string, () => unknown, number]>([
    ['throws', thrower, 500],
    ['rejects', rejecter, 500],
    ['names nobody', () => undefined, 404],
    ['names no URL', () => 'not a url', 500],
    ['names another scheme', () => 'ftp://a.example', 500],
    ['names a query', () => 'http://a.example/?b', 500],
    ['names a user', () => new URL('http://me:secret@a.example'), 500],
    ['names something else', () => 5, 500],
  ])('a target function that %s', async (_how, target, status) => {
    await using at = await front(memory, target as () => string)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]?.status).toBe(status)
    expect(at.errors).toHaveLength(status === 500 ? 1 : 0)
    expect(String(at.errors[0])).not.toContain('secret')
  })

  test.each(['throws', 'rejects'])('an onError that %s changes nothing', async (how) => {
    await using at = await front(memory, 'http://nobody.example', {
      proxy: { connect: rejecter, onError: how === 'throws' ? thrower : rejecter },
    })
    const client = await at.client()
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(1))[0]?.status).toBe(502)
  })
})
