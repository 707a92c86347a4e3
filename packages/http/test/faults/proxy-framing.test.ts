import { describe, expect, test } from 'vitest'

import { answer } from '../client/raw-server.ts'
import { before, memory } from '../proxy/stage.ts'
import { head, quiet } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const bad: [string, string[], string][] = [
  ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\nGET'],
  ['two lengths that are equal', ['Content-Length: 3', 'content-length: 3'], 'abc'],
  ['two lengths that are not', ['Content-Length: 3', 'Content-Length: 0'], 'abc'],
  ['a list of lengths', ['Content-Length: 3, 3'], 'abc'],
  ['a length with a sign', ['Content-Length: +3'], 'abc'],
  ['a length in hexadecimal', ['Content-Length: 0x3'], 'abc'],
  ['an empty length', ['Content-Length: '], 'abc'],
  ['a coding before chunked', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n'],
  ['an unknown coding', ['Transfer-Encoding: xchunked'], '0\r\n\r\n'],
  ['an empty coding', ['Transfer-Encoding: ,chunked'], '0\r\n\r\n'],
  ['two codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'],
  ['a space before the colon', ['Content-Length : 3'], 'abc'],
  ['a folded line', ['X-A: b\r\n c'], ''],
  ['a bare CR', ['X-A: b\rContent-Length: 3'], ''],
  ['a NUL', ['X-A: b\0c'], ''],
  ['an empty name', [': b'], ''],
  ['a second Host', ['Host: other'], ''],
]

describe('5 and 7 through a proxy', () => {
  test.each(bad)('%s is refused, and the server hears nothing of it', async (_what, fields, body) => {
    await using server = await memory.raw.open(() => answer())
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(head('POST / HTTP/1.1', ...fields) + body + head('GET /smuggled HTTP/1.1'))
    await client.toEnd()
    expect(client.text).toMatch(/^HTTP\/1\.1 (?:400|501) /)
    await quiet()
    expect(server.peers.flatMap((peer) => peer.asked)).toEqual([])
    expect(at.proxy.stats().active).toBe(0)
  })

  test('chunked on HTTP/1.0 is refused', async () => {
    await using server = await memory.raw.open(() => answer())
    await using at = await before(memory, server)
    const client = await at.client()
    client.write('POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')
    expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 400 /)
    expect(server.peers).toEqual([])
  })

  test.each([
    'Content-Length',
    'Transfer-Encoding',
    'Host',
    'Content-Length, Transfer-Encoding, Host, Connection',
    'Via, Forwarded',
  ])('Connection: %s takes nothing off that the message needs', async (named) => {
    await using server = await memory.raw.open(({ body }) => answer(body))
    await using at = await before(memory, server)
    const client = await at.client()
    const smuggled = head('GET /smuggled HTTP/1.1')
    const chunks = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
    client.write(
      head('POST /1 HTTP/1.1', `Connection: ${named}`, `Content-Length: ${smuggled.length}`) + smuggled,
    )
    client.write(head('POST /2 HTTP/1.1', `Connection: ${named}`, 'Transfer-Encoding: chunked') + chunks)
    expect((await client.replies(2)).map(({ body }) => body)).toEqual([smuggled, smuggled])
    const { asked } = await server.peer()
    expect(
      asked.map(({ target, fields }) => [target, fields.all('host').length, fields.all('via').length]),
    ).toEqual([
      ['/1', 1, 1],
      ['/2', 1, 1],
    ])
  })

  test('bytes beyond ASCII are passed on as they came, both ways', async () => {
    await using server = await memory.raw.open(() => answer('', 'X-Back: a\x85b\xa0\xff'))
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(head('GET / HTTP/1.1', 'X-There: \x80\xa0b\xfe', 'X-Quote: "a, b\\" c"'))
    expect((await client.replies(1))[0]?.headers['x-back']).toBe('a\x85b\xa0\xff')
    const { fields } = (await server.peer()).asked[0]!
    expect([fields.get('x-there'), fields.get('x-quote')]).toEqual(['\x80\xa0b\xfe', '"a, b\\" c"'])
  })

  test('names that are those of objects are names', async () => {
    await using server = await memory.raw.open(() =>
      answer('', '__proto__: 1', 'constructor: 2', 'Connection: __proto__x'),
    )
    await using at = await before(memory, server)
    const client = await at.client()
    client.write(head('GET /__proto__ HTTP/1.1', '__proto__: 1', 'constructor: 2', 'Connection: constructor'))
    expect((await client.replies(1))[0]?.headers).toMatchObject({ constructor: '2', ['__proto__']: '1' })
    const { fields } = (await server.peer()).asked[0]!
    expect([fields.get('__proto__'), fields.get('constructor')]).toEqual(['1', undefined])
  })
})
