import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import type { ByteConnection } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { Response as OurResponse } from '../../src/web/response.ts'
import { Signal, until } from '../server/ways.ts'
import { type Fetching, fetching, fetchingRaw } from './fetching.ts'

/** Bodies that are there with the head, and bodies that come later. */
const kinds = ['at once', 'in pieces', 'in chunks'] as const

/** Answers with `text`, in one of the ways above. */
function answering(
  kind: (typeof kinds)[number],
  text: string,
  type = 'text/plain',
): Promise<Fetching<unknown>> {
  return fetchingRaw(async (connection) => {
    const bytes = Buffer.from(text)
    const framing = kind === 'in chunks' ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`
    const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${framing}\r\n\r\n`
    if (kind === 'at once') {
      connection.write(Buffer.concat([Buffer.from(head), bytes]))
      return
    }
    connection.write(head)
    for (const byte of bytes) {
      await turn()
      if (connection.state !== 'open') return
      connection.write(kind === 'in chunks' ? `1\r\n` : '')
      connection.write(Uint8Array.of(byte))
      connection.write(kind === 'in chunks' ? `\r\n` : '')
    }
    if (kind === 'in chunks' && connection.state === 'open') connection.write('0\r\n\r\n')
  })
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe.each(kinds)('a body that comes %s', (kind) => {
  const text = '\ufeff{"a":"\u00fc\u20ac"}'

  test('is read as what it is', async () => {
    await using world = await answering(kind, text, 'application/json')
    const read = async <T>(how: (response: OurResponse) => Promise<T>): Promise<T> => {
      const response = await world.fetch('http://a/')
      expect(response.bodyUsed).toBe(false)
      const promise = how(response)
      expect(response.bodyUsed).toBe(true)
      const value = await promise
      await expect(response.text()).rejects.toThrow(TypeError)
      expect(() => response.clone()).toThrow(TypeError)
      return value
    }
    expect(await read((response) => response.text())).toBe(text.slice(1))
    expect(await read((response) => response.json())).toEqual({ a: '\u00fc\u20ac' })
    expect(Buffer.from(await read((response) => response.bytes())).toString()).toBe(text)
    const buffer = await read((response) => response.arrayBuffer())
    expect([buffer instanceof ArrayBuffer, buffer.byteLength]).toEqual([true, Buffer.byteLength(text)])
    const blob = await read((response) => response.blob())
    expect([blob.type, Buffer.from(await blob.arrayBuffer()).toString()]).toEqual(['application/json', text])
  })

  test('is read as a form', async () => {
    await using world = await answering(kind, 'a=b&c=%20', 'application/x-www-form-urlencoded')
    expect([...(await (await world.fetch('http://a/')).formData())]).toEqual([
      ['a', 'b'],
      ['c', ' '],
    ])
  })

  test('is a stream when somebody asks for it', async () => {
    await using world = await answering(kind, 'ahoy there')
    const response = await world.fetch('http://a/')
    const { body } = response
    expect([body === response.body, response.bodyUsed, body!.locked]).toEqual([true, false, false])
    expect(await gathered(body!)).toBe('ahoy there')
    expect(response.bodyUsed).toBe(true)
    await expect(response.text()).rejects.toThrow(TypeError)
  })

  test('is read whole past a stream that nobody read', async () => {
    await using world = await answering(kind, 'ahoy')
    const response = await world.fetch('http://a/')
    response.body!.getReader().releaseLock()
    expect(await response.text()).toBe('ahoy')
    const locked = await world.fetch('http://a/')
    locked.body!.getReader()
    await expect(locked.text()).rejects.toThrow(TypeError)
    expect(locked.bodyUsed).toBe(false)
  })

  test('fills buffers of the reader', async () => {
    await using world = await answering(kind, 'ahoy there')
    const reader = (await world.fetch('http://a/')).body!.getReader({ mode: 'byob' })
    const pieces: Uint8Array[] = []
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(3))
      if (done) break
      pieces.push(value)
    }
    expect(Buffer.concat(pieces).toString()).toBe('ahoy there')
  })

  test('is there twice in a clone', async () => {
    await using world = await answering(kind, '[1]', 'application/json')
    const response = await world.fetch('http://a/b')
    const clone = response.clone()
    expect([clone.url, clone.type, clone.status, clone.headers.get('content-type')]).toEqual([
      'http://a/b',
      'basic',
      200,
      'application/json',
    ])
    expect(await clone.json()).toEqual([1])
    expect(response.bodyUsed).toBe(false)
    expect((await response.blob()).type).toBe('application/json')
  })

  test('of nothing is over before anybody reads', async () => {
    await using world = await answering(kind, '')
    const response = await world.fetch('http://a/')
    const reader = response.body!.getReader()
    if (kind === 'at once') await reader.closed
    expect(await reader.read()).toEqual({ done: true, value: undefined })
    expect(await (await world.fetch('http://a/')).text()).toBe('')
    expect(await (await world.fetch('http://a/')).bytes()).toEqual(new Uint8Array())
  })

  test('is the body of another response', async () => {
    await using world = await answering(kind, 'ahoy')
    const response = await world.fetch('http://a/')
    const { Response: OurResponse } = await import('../../src/web/response.ts')
    expect(await new OurResponse(response.body, response).text()).toBe('ahoy')
    const other = await world.fetch('http://a/')
    expect(await new Response(other.body as never, other).text()).toBe('ahoy')
  })

  test('belongs to who read it', async () => {
    await using world = await answering(kind, 'ahoy')
    const bytes = await (await world.fetch('http://a/')).bytes()
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength)
  })
})

test('what is no JSON is a SyntaxError', async () => {
  await using world = await answering('at once', '{')
  await expect((await world.fetch('http://a/')).json()).rejects.toThrow(SyntaxError)
  await expect((await world.fetch('http://a/')).formData()).rejects.toThrow(TypeError)
})

test('no more is taken from the server than is read', async () => {
  const chunk = new Uint8Array(64 * 1024)
  let given = 0
  await using world = await fetching((exchange) =>
    exchange.respond(
      200,
      {},
      (async function* () {
        for (; given < 1000; given++) yield chunk
      })(),
    ),
  )
  const response = await world.fetch('http://a/')
  const reader = response.body!.getReader()
  let before = -1
  await until(() => before === (before = given))
  for (let turns = 0; turns < 50; turns++) await turn()
  expect(given).toBeLessThan(40)
  let size = 0
  while (size < 20 * chunk.byteLength) size += (await reader.read()).value!.byteLength
  expect(given).toBeGreaterThanOrEqual(19)
  expect(given).toBeLessThan(60)
  await reader.cancel()
})

test('who cancels frees the connection at once', async () => {
  const lost = new Signal()
  await using world = await fetching((exchange) => {
    exchange.signal.addEventListener('abort', () => lost.fire())
    return exchange.respond(200, {}, forever()).catch(() => {})
  })
  const response = await world.fetch('http://a/')
  await response.body!.cancel('enough')
  await lost.fired
  expect(response.bodyUsed).toBe(true)
  await until(() => world.server.connections.size === 0)
})

test('who cancels while a piece is waited for frees the connection, too', async () => {
  const begun = new Signal()
  let connection!: ByteConnection
  await using world = await fetchingRaw((given) => {
    connection = given
    given.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')
    begun.fire()
  })
  const reader = (await world.fetch('http://a/')).body!.getReader()
  const reading = reader.read()
  await begun.fired
  await reader.cancel()
  expect(await reading).toEqual({ done: true, value: undefined })
  expect((await connection.closed).kind).toBe('error')
})

test('a body that nobody can read any more frees its connection', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const lost: ByteConnection[] = []
  await using world = await fetchingRaw((connection) => {
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\nhalf')
    void connection.closed.then(() => lost.push(connection))
  })
  const { signal } = new AbortController()
  const look = async (): Promise<number> => {
    const [response, other] = [await world.fetch('http://a/'), await world.fetch('http://a/', { signal })]
    return response.status + (other.body === null ? 1 : 0)
  }
  expect(await look()).toBe(200)
  await until(() => {
    collect()
    return lost.length === 2
  })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

async function* forever(): AsyncGenerator<string> {
  for (;;) yield 'tick'.repeat(100)
}

async function gathered(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}
