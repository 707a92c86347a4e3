import { describe, expect, test } from 'vitest'

import type { RequestError, RequestOptions } from '../../src/index.ts'
import { answer, failure, nothing, rawWays, standing } from '../client/raw-server.ts'
import { quiet, until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const ok = 'HTTP/1.1 200 OK\r\n'
const chunks = `${ok}Transfer-Encoding: chunked\r\n\r\n`

const malformed: Record<string, string> = {
  '5 Content-Length with Transfer-Encoding': `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  '5 two different lengths': `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`,
  '5 two equal lengths': `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde`,
  '5 two lengths in other cases': `${ok}Content-Length: 5\r\ncontent-LENGTH: 6\r\n\r\nabcdef`,
  '5 a list of lengths': `${ok}Content-Length: 5, 5\r\n\r\nabcde`,
  '5 two Transfer-Encodings': `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  '5 ,chunked': `${ok}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`,
  '5 xchunked': `${ok}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  '5 chunked, identity': `${ok}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  '5 chunked on HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  '5 an empty length': `${ok}Content-Length:\r\n\r\nabc`,
  '6 a sign': `${ok}Content-Length: +5\r\n\r\nabcde`,
  '6 a negative length': `${ok}Content-Length: -1\r\n\r\n`,
  '6 hexadecimal': `${ok}Content-Length: 0x5\r\n\r\nabcde`,
  '6 an underscore': `${ok}Content-Length: 1_0\r\n\r\nabcdeabcde`,
  '6 two numbers': `${ok}Content-Length: 5 5\r\n\r\nabcde`,
  '6 forty digits': `${ok}Content-Length: ${'9'.repeat(40)}\r\n\r\nabc`,
  '6 an empty chunk size': `${chunks}\r\nabc\r\n0\r\n\r\n`,
  '6 a chunk size that overflows': `${chunks}${'f'.repeat(17)}\r\nabc\r\n0\r\n\r\n`,
  '6 a chunk size with a sign': `${chunks}+3\r\nabc\r\n0\r\n\r\n`,
  '6 a chunk longer than it says': `${chunks}3\r\nabcd\r\n0\r\n\r\n`,
  '7 a bare CR': `${ok}X-A: b\rX-B: c\r\nContent-Length: 0\r\n\r\n`,
  '7 a bare LF': `${ok}X-A: b\nContent-Length: 0\n\n`,
  '7 NUL': `${ok}X-A: b\0c\r\nContent-Length: 0\r\n\r\n`,
  '7 a folded line': `${ok}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
  '7 a space before the colon': `${ok}Content-Length : 0\r\n\r\n`,
  '7 no colon': `${ok}X-A\r\nContent-Length: 0\r\n\r\n`,
  '7 an empty name': `${ok}: b\r\nContent-Length: 0\r\n\r\n`,
  '7 a byte above ASCII in a name': `${ok}X-\x85: b\r\nContent-Length: 0\r\n\r\n`,
  '7 a LF in the status line': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
  '7 a trailer with a bare LF': `${chunks}3\r\nabc\r\n0\r\nX-T: a\nb\r\n\r\n`,
  'another protocol': 'SSH-2.0-OpenSSH_9.9\r\n',
  'no version that is spoken': 'HTTP/2.0 200 OK\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
}

describe.each(rawWays)('over $name', (way) => {
  test.each(Object.entries(malformed))(
    '%s: an error that says so, and the connection is gone',
    async (_what, text) => {
      await using server = await way.open((asked) => (asked.target === '/' ? text : answer('fine')))
      await using client = server.client()
      const error = await failure<RequestError>(client.request('/').then((got) => got.bytes()))
      expect(error).toMatchObject({
        name: 'RequestError',
        code: expect.stringMatching(/^ERR_FAIRLEAD_HTTP_/) as string,
        retryable: false,
      })
      await until(() => server.peers[0]!.gone)
      expect([standing(client), client.stats()]).toMatchObject([nothing, { active: 0, retries: 0 }])
      // The one that came before has made no difference to the next.
      expect(await (await client.request('/fine')).text()).toBe('fine')
      expect(server.peers).toHaveLength(2)
    },
  )

  const lines = [
    'a\r\nInjected: yes',
    'a\nInjected: yes',
    'a\rInjected: yes',
    'a\0',
    '\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n',
  ]
  const places: [string, (text: string) => RequestOptions | string][] = [
    ['the value of a field', (text) => ({ headers: { 'X-A': text } })],
    ['the name of a field', (text) => ({ headers: { [text]: 'b' } })],
    ['Host', (text) => ({ headers: { Host: text } })],
    ['the method', (text) => ({ method: text })],
    ['Connection', (text) => ({ headers: { Connection: text } })],
    ['Expect', (text) => ({ headers: { Expect: text }, body: 'x' })],
    ['Content-Type', (text) => ({ headers: [['Content-Type', text]], body: 'x' })],
    [
      'the type of a Blob',
      (text) => ({
        body: {
          [Symbol.toStringTag]: 'Blob',
          size: 1,
          type: text,
          stream: () => new Blob(['x']).stream(),
        } as never,
      }),
    ],
    ['a trailer', (text) => ({ body: 'x', trailers: () => ({ 'X-A': text }) })],
    ['user information', (text) => `http://${encodeURIComponent(text)}:p@raw.example/`],
    ['the path', (text) => `/${text}`],
    ['the query', (text) => ({ query: { [text]: text } })],
  ]
  test.each(places)('7 nothing is injected by %s', async (_what, say) => {
    await using server = await way.open(() => answer())
    await using client = server.client()
    for (const line of lines) {
      const said = say(line)
      const url =
        typeof said === 'string' && said.startsWith('http')
          ? said.replace('raw.example', new URL(server.url).host)
          : said
      const asked = typeof url === 'string' ? client.request(url) : client.request('/', url)
      await Promise.allSettled([asked.then((got) => got.text())])
      await quiet()
    }
    for (const { text, asked } of server.peers) {
      expect(text).not.toMatch(/^Injected/im)
      expect(asked.filter(({ target }) => target === '/second')).toEqual([])
    }
    expect(client.stats().active).toBe(0)
  })

  test('7 nothing is injected by names and types in a form', async () => {
    await using server = await way.open(() => answer())
    await using client = server.client()
    const form = new FormData()
    for (const line of [...lines, '"; filename="evil']) {
      form.append(line, 'text')
      form.append(`file-${line}`, new File(['bytes'], line, { type: line }))
    }
    await (await client.request('/', { body: form })).text()
    const { body } = server.peers[0]!.asked[0]!
    expect(body).not.toMatch(/^Injected/im)
    const heads = body.split('\r\n').filter((line) => line.startsWith('Content-Disposition: '))
    expect(heads).toHaveLength(12)
    for (const head of heads)
      expect(head).toMatch(/^Content-Disposition: form-data; name="[^"\r\n]*"(?:; filename="[^"\r\n]*")?$/)
  })
})
