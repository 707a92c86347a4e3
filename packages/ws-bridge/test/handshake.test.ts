import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { echo, portOf, read, until, urlOf } from './harness.ts'
import { frame, handshake, opcodes, Raw } from './raw.ts'

let server: http.HttpListener
let port: number

beforeAll(async () => {
  server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404, {}, 'plain\n'))
  port = portOf(server)
  await websocket.listen({ server, path: '/echo' }, echo)
})

afterAll(() => server.close({ grace: 0 }))

async function ask(text: string): Promise<{ raw: Raw; status: number; text: string }> {
  const raw = await Raw.connect(port)
  raw.write(text)
  return { raw, ...(await raw.head()) }
}

describe('the handshake', () => {
  test('is answered with the key’s digest', async () => {
    const { raw, status, text } = await ask(handshake('/echo'))
    expect(status).toBe(101)
    expect(text.toLowerCase()).toContain('sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=')
    expect(text.toLowerCase()).not.toContain('sec-websocket-extensions')
    raw.connection.destroy()
  })

  test.each<[string, string, number, string?]>([
    ['another method', handshake('/echo', {}, 'OPTIONS /echo HTTP/1.1'), 405, 'allow: get'],
    ['version 8', handshake('/echo', { 'Sec-WebSocket-Version': '8' }), 426, 'sec-websocket-version: 13'],
    ['no version', handshake('/echo', { 'Sec-WebSocket-Version': undefined }), 426, 'upgrade: websocket'],
    ['two versions', handshake('/echo', { 'Sec-WebSocket-Version': '8, 13' }), 426],
    ['no key', handshake('/echo', { 'Sec-WebSocket-Key': undefined }), 400],
    ['a short key', handshake('/echo', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }), 400],
    ['a key that is not base64', handshake('/echo', { 'Sec-WebSocket-Key': '!'.repeat(22) + '==' }), 400],
    ['the key repeated', handshake('/echo', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }), 400],
    ['a protocol that is no token', handshake('/echo', { 'Sec-WebSocket-Protocol': 'a b' }), 400],
    ['the protocol repeated', handshake('/echo', { 'Sec-WebSocket-Protocol': 'a, a' }), 400],
    ['no upgrade', handshake('/echo', { Upgrade: undefined }), 404],
    ['an upgrade to something else', handshake('/echo', { Upgrade: 'h2c' }), 404],
    ['an upgrade that Connection does not name', handshake('/echo', { Connection: 'keep-alive' }), 404],
    ['HTTP/1.0', handshake('/echo', {}, 'GET /echo HTTP/1.0'), 404],
    ['no Host', handshake('/echo', { Host: undefined }), 400],
    ['Host repeated', handshake('/echo', { host: 'localhost' }), 400],
    ['a body', handshake('/echo', { 'Content-Length': '5' }) + 'hello', 404],
    ['a body in chunks', handshake('/echo', { 'Transfer-Encoding': 'chunked' }) + '0\r\n\r\n', 404],
    ['another path', handshake('/other'), 404],
    ['a path that only begins alike', handshake('/echo/2'), 404],
  ])('with %s is refused', async (_, text, status, field) => {
    const answer = await ask(text)
    expect(answer.status).toBe(status)
    if (field) expect(answer.text.toLowerCase()).toContain(field)
    answer.raw.connection.destroy()
    await until(() => server.connections.size === 0)
  })

  test.each<[string, string]>([
    ['a query', handshake('/echo?token=1')],
    ['the absolute form', handshake('', {}, 'GET http://localhost/echo?x HTTP/1.1')],
    ['names in other case', handshake('/echo', { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' })],
    ['several protocols to upgrade to', handshake('/echo', { Upgrade: 'websocket, h2c' })],
    ['an extension offered', handshake('/echo', { 'Sec-WebSocket-Extensions': 'permessage-deflate' })],
    ['a field called __proto__', handshake('/echo', { ['__proto__x']: 'y', constructor: 'z' })],
  ])('with %s is accepted', async (_, text) => {
    const { raw, status } = await ask(text)
    expect(status).toBe(101)
    raw.write(frame(opcodes.text, 'ahoy'))
    expect(await raw.frame()).toMatchObject({ opcode: opcodes.text, text: 'ahoy' })
    raw.connection.destroy()
  })

  test('answers with the first subprotocol offered', async () => {
    const { raw, text } = await ask(handshake('/echo', { 'Sec-WebSocket-Protocol': 'binary, base64' }))
    expect(text.toLowerCase()).toContain('sec-websocket-protocol: binary')
    raw.connection.destroy()
  })

  test.each<[string, string]>([
    ['a protocol field of 60 KB', handshake('/echo', { 'Sec-WebSocket-Protocol': 'a, '.repeat(20_000) })],
    [
      'an extension field of 60 KB',
      handshake('/echo', { 'Sec-WebSocket-Extensions': 'a;b, '.repeat(12_000) }),
    ],
    ['10,000 fields', handshake('/echo').replace('\r\n\r\n', `\r\n${'X: y\r\n'.repeat(10_000)}\r\n`)],
    ['a cookie of 60 KB', handshake('/echo', { Cookie: 'x'.repeat(60_000) })],
  ])('with %s is refused before long', async (_, text) => {
    const start = performance.now()
    const { raw, status } = await ask(text)
    expect([400, 431]).toContain(status)
    expect(performance.now() - start).toBeLessThan(3_000)
    raw.connection.destroy()
    await until(() => server.connections.size === 0)
  })

  test('may have the first frames right behind it', async () => {
    const raw = await Raw.connect(port)
    const frames = [frame(opcodes.text, 'one'), frame(opcodes.ping, '?'), frame(opcodes.text, 'two')]
    raw.write(Buffer.concat([Buffer.from(handshake('/echo')), ...frames]))
    expect((await raw.head()).status).toBe(101)
    const heard = [await raw.frame(), await raw.frame(), await raw.frame()]
    expect(heard.map(({ text }) => text).toSorted()).toEqual(['?', 'one', 'two'])
    raw.connection.destroy()
  })

  test('may be split at every byte, frames included', async () => {
    const whole = Buffer.concat([
      Buffer.from(handshake('/echo')),
      frame(opcodes.text, 'ahoy'),
      frame(opcodes.text, 'm', { fin: false }),
      frame(opcodes.continuation, 'ate'),
    ])
    const splits = Array.from({ length: whole.length - 1 }, (_, index) => index + 1)
    await Promise.all(
      splits.map(async (at) => {
        const raw = await Raw.connect(port)
        raw.write(whole.subarray(0, at))
        await new Promise((resolve) => setTimeout(resolve, 20))
        raw.write(whole.subarray(at))
        expect((await raw.head()).status).toBe(101)
        expect([(await raw.frame()).text, (await raw.frame()).text]).toEqual(['ahoy', 'mate'])
        raw.connection.destroy()
      }),
    )
    await until(() => server.connections.size === 0)
  })

  test('refused, leaves the connection to HTTP, and garbage behind it is HTTP’s', async () => {
    const raw = await Raw.connect(port)
    raw.write(
      handshake('/echo', { 'Sec-WebSocket-Key': 'no' }) + 'GET / HTTP/1.1\r\nHost: h\r\n\r\nrubbish\r\n\r\n',
    )
    expect((await raw.head()).status).toBe(400)
    await until(() => raw.bytes.includes('rubbish') || raw.closed)
    const rest = raw.bytes.toString()
    expect(rest).toContain('HTTP/1.1 404')
    expect(rest).toContain('HTTP/1.1 400')
    await until(() => server.connections.size === 0)
  })
})

describe('accept', () => {
  test('takes an exchange in the hand, and answers one that asks for something else', async () => {
    const errors: unknown[] = []
    await using own = await http.listen({ port: 0 }, (exchange) => {
      try {
        void echo(websocket.accept(exchange, { messages: 'text' }))
      } catch (error) {
        errors.push(error)
      }
    })
    const connection = await websocket.connect(urlOf(own))
    await connection.send('ahoy')
    expect(await read(connection, 1)).toEqual(['ahoy'])
    await connection.close()
    const response = await fetch(urlOf(own).replace('ws', 'http'))
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket'])
    const posted = await Raw.connect(portOf(own))
    posted.write(handshake('/', { 'Content-Length': '1' }) + 'x')
    expect((await posted.head()).status).toBe(400)
    posted.connection.destroy()
    expect(errors.map(String)).toEqual([
      'ProtocolError: Cannot accept WebSocket: only WebSocket is spoken here',
      'ProtocolError: Cannot accept WebSocket: a WebSocket handshake has no body',
    ])
  })

  test('refuses options that mean nothing', async () => {
    const exchange = { takeOver() {} } as unknown as http.Exchange
    expect(() => websocket.accept(exchange, { messages: 'json' as 'text' })).toThrow(TypeError)
    for (const maxPayload of [0, -1, 1.5, Infinity, Number.NaN]) {
      expect(() => websocket.accept(exchange, { maxPayload })).toThrow(RangeError)
    }
  })
})
