import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import { Headers as OurHeaders } from '../../src/web/headers.ts'
import { Response as Ours, takeResponse } from '../../src/web/response.ts'
import { type Readers, told } from './told.ts'

type Class = typeof Response
type Case = readonly [name: string, run: (Response: Class) => unknown]

const any = (value: unknown): never => value as never
const encoder = new TextEncoder()
const streamOf = (...pieces: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece))
      controller.close()
    },
  })
const lockedStream = (): ReadableStream => {
  const stream = streamOf('a')
  stream.getReader()
  return stream
}
const facts = (response: Response): unknown => [
  response.status,
  response.statusText,
  response.ok,
  response.type,
  response.url,
  response.redirected,
  response.bodyUsed,
  response.body === null,
  [...response.headers],
]
const redirect = (Class: Class, url: string): Response => Reflect.apply(Class.redirect, Class, [url])
const readers = ['text', 'json', 'arrayBuffer', 'bytes'] as const
const form = new FormData()
form.set('a', 'b')

/** Each kind of body; a function where it can be given once only. */
const bodies: readonly (readonly [string, () => unknown])[] = [
  ['nothing', () => undefined],
  ['null', () => null],
  ['empty text', () => ''],
  ['text', () => '{"a":"ü€"}'],
  ['text with a mark', () => '\ufeff[1]'],
  ['text of half a character', () => 'a\ud800b'],
  ['bytes', () => encoder.encode('[1,2]')],
  ['bytes that are no text', () => new Uint8Array([0xff, 0xfe, 0x61, 0xe2, 0x82])],
  ['a marked piece of bytes', () => encoder.encode('xx\ufeff[3]xx').subarray(2, 8)],
  ['a buffer', () => encoder.encode('[4]').buffer],
  ['a view', () => new DataView(encoder.encode('x[5]').buffer, 1)],
  ['a stream', () => streamOf('[6', ',7]')],
  ['a blob', () => new Blob(['[8]'], { type: 'text/x' })],
  ['parameters', () => new URLSearchParams({ a: 'b c', ü: '€' })],
  ['a number', () => 5],
  ['an object', () => ({ toString: () => '[9]' })],
]

const cases: readonly Case[] = [
  ...bodies.flatMap(([name, body]): Case[] => [
    [`the facts of ${name}`, (Response) => facts(new Response(any(body())))],
    ...readers.map((how): Case => [
      `${how} of ${name}`,
      (Response) => (new Response(any(body())) as unknown as Readers)[how](),
    ]),
    [
      `blob of ${name}`,
      async (Response) => {
        const blob = await new Response(any(body())).blob()
        return [blob.type, blob.size, await blob.text()]
      },
    ],
    [
      `reading ${name} twice`,
      async (Response) => {
        const response = new Response(any(body()))
        await response.text()
        return [
          response.bodyUsed,
          await told(() => response.text()),
          await told(() => facts(response.clone())),
        ]
      },
    ],
    [
      `a clone of ${name}`,
      async (Response) => {
        const response = new Response(any(body()), { status: 201, statusText: 'x', headers: { a: '1' } })
        const clone = response.clone()
        clone.headers.set('a', '2')
        return [
          facts(clone),
          facts(response),
          await clone.text(),
          response.bodyUsed,
          await response.text(),
          response.bodyUsed,
        ]
      },
    ],
    [
      `the stream of ${name}`,
      async (Response) => {
        const response = new Response(any(body()))
        const same = response.body === response.body
        let size = 0
        for await (const chunk of response.body ?? []) size += chunk.byteLength
        return [same, size, response.bodyUsed, await told(() => response.text())]
      },
    ],
    [
      `another of the stream of ${name}`,
      async (Response) => {
        const response = new Response(any(body()), { status: 404, headers: { a: '1' } })
        const other = new Response(response.body, response)
        return [facts(other), await other.text(), response.bodyUsed, await told(() => response.text())]
      },
    ],
    [
      `the stream of ${name}, once read`,
      async (Response) => {
        const response = new Response(any(body()))
        await response.text()
        return [
          response.body === null,
          response.bodyUsed,
          await told(() => new Response(response.body).text()),
        ]
      },
    ],
    [
      `a reader on ${name}`,
      async (Response) => {
        const response = new Response(any(body()))
        response.body?.getReader()
        return [
          response.bodyUsed,
          await told(() => response.text()),
          await told(() => facts(response.clone())),
          await told(() => facts(new Response(response.body))),
        ]
      },
    ],
    [
      `a given type of ${name}`,
      (Response) => [...new Response(any(body()), { headers: { 'content-type': 'a/b' } }).headers],
    ],
    ...[101, 204, 205, 304].map((status): Case => [
      `${name} with ${status}`,
      (Response) => facts(new Response(any(body()), { status })),
    ]),
  ]),
  [
    'a form',
    async (Response) => {
      const response = new Response(form)
      return [response.headers.get('content-type')?.slice(0, 30), [...(await response.formData())]]
    },
  ],
  [
    'a form out of text',
    async (Response) => [
      ...(await new Response('a=b&c=%20', {
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      }).formData()),
    ],
  ],
  [
    'a form out of a stream',
    async (Response) => [
      ...(await new Response(streamOf('a=b', '&c=d'), {
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      }).formData()),
    ],
  ],
  ['no form', (Response) => new Response('a=b').formData()],
  ['no JSON', (Response) => new Response('{').json()],
  ['a locked stream', (Response) => facts(new Response(lockedStream()))],
  [
    'a blob out of text',
    async (Response) => {
      const response = new Response('x')
      response.headers.set('Content-Type', 'a/b')
      return (await response.blob()).type
    },
  ],
  [
    'bytes are copied',
    async (Response) => {
      const bytes = encoder.encode('abc')
      const response = new Response(bytes)
      bytes[0] = 0x78
      return response.text()
    },
  ],
  [
    'bytes are given away',
    async (Response) => {
      const response = new Response(encoder.encode('abc'))
      const clone = response.clone()
      ;((await (response as unknown as Readers).bytes()) as Uint8Array)[0] = 0x78
      return clone.text()
    },
  ],
  ...[
    100,
    101,
    199,
    200,
    299,
    599,
    600,
    0,
    -1,
    NaN,
    '404',
    '4x',
    404.7,
    65_736,
    null,
    undefined,
    {},
    Infinity,
  ].map((status): Case => [
    `the status ${JSON.stringify(status) ?? 'undefined'}`,
    (Response) => facts(new Response(null, { status: any(status) })),
  ]),
  ...['OK', 'a\tb', 'a\nb', '€', 'ÿ', '\x7f', '', 5, null].map((statusText): Case => [
    `the text ${JSON.stringify(statusText)}`,
    (Response) => facts(new Response('a', { statusText: any(statusText) })),
  ]),
  ...[null, undefined, 5, 'x', true, [], () => {}].map((init): Case => [
    `the init ${String(init)}`,
    (Response) => facts(new Response('a', any(init))),
  ]),
  ...[null, undefined, 5, 'x', [['a', 'b']], { a: 'b\n' }, { 'a b': 'c' }].map((headers): Case => [
    `the headers ${JSON.stringify(headers)}`,
    (Response) => facts(new Response('a', { headers: any(headers) })),
  ]),
  [
    'headers are copied',
    (Response) => {
      const headers = new Headers({ a: '1' })
      const response = new Response(null, { headers })
      headers.set('a', '2')
      return response.headers.get('a')
    },
  ],
  [
    'a response as init',
    (Response) => facts(new Response('b', new Response('a', { status: 201, headers: { 'x-a': '1' } }))),
  ],
  [
    'headers of a clone',
    (Response) => {
      const response = new Response('a')
      const { headers } = response
      const clone = response.clone()
      headers.set('a', '1')
      return [clone.headers.get('a'), response.headers === headers, response.headers.get('a')]
    },
  ],
  ...[{ a: 1 }, null, 'x', [], undefined, () => {}, 5n, { toJSON: () => 'told' }].map((value): Case => [
    `JSON of ${typeof value}`,
    async (Response) => {
      const response = Response.json(value)
      return [facts(response), await response.text()]
    },
  ]),
  [
    'JSON with an init',
    (Response) => facts(Response.json(1, { status: 201, headers: { a: '1', 'Content-Type': 'b/c' } })),
  ],
  ['JSON with 204', (Response) => Response.json(1, { status: 204 })],
  ...[undefined, 301, 302, 303, 307, 308, 300, 304, 200, '301', NaN].map((status): Case => [
    `a redirect with ${String(status)}`,
    (Response) => facts(Response.redirect('http://a/ b?c#d', any(status))),
  ]),
  ['a redirect to nowhere', (Response) => redirect(Response, '/a')],
  ['the headers of a redirect', (Response) => redirect(Response, 'http://a').headers.set('a', '1')],
  ['the headers of its clone', (Response) => redirect(Response, 'http://a').clone().headers.set('a', '1')],
  ['what is wrong of a redirect', (Response) => redirect(Response, 'http://a').headers.set('a b', '1')],
  ['an error', (Response) => facts(Response.error())],
  ['the headers of an error', (Response) => Response.error().headers.append('a', '1')],
  [
    'a subclass',
    (Response) => {
      class Mine extends Response {
        readonly mine = 1
      }
      const mine = new Mine('a', { status: 201 })
      return [
        mine.status,
        mine.mine,
        mine.ok,
        mine instanceof Mine,
        mine instanceof Response,
        new Response() instanceof Mine,
        mine.text(),
      ].slice(0, 6)
    },
  ],
  [
    'its tag',
    (Response) => [
      Object.prototype.toString.call(new Response()),
      new Response().constructor === Response,
      Response.name,
      Response.length,
    ],
  ],
  [
    'its members',
    (Response) => {
      const seen: string[] = []
      for (const name in new Response()) seen.push(name)
      return seen.toSorted()
    },
  ],
  ['what is its own', (Response) => Object.keys(new Response('a'))],
  [
    'a member that is only read',
    (Response) => {
      Object.assign(new Response(), { status: 5 })
    },
  ],
  ['JSON of it', (Response) => JSON.stringify(new Response('a'))],
]

describe('a Response answers as the runtime does', () => {
  test.each(cases)('%s', async (_, run) => {
    expect(await told(() => run(Ours as unknown as Class))).toEqual(await told(() => run(Response)))
  })
})

test('each takes the other', async () => {
  const ours = new Ours('ahoy', { status: 201, headers: { a: '1' } })
  expect(ours).toBeInstanceOf(Response)
  expect(new Response()).toBeInstanceOf(Ours)
  expect({}).not.toBeInstanceOf(Ours)
  const theirs = new Response(ours.body, ours)
  expect(facts(theirs)).toEqual([
    201,
    '',
    true,
    'default',
    '',
    false,
    false,
    false,
    [
      ['a', '1'],
      ['content-type', 'text/plain;charset=UTF-8'],
    ],
  ])
  const back = new Ours(theirs.body, theirs)
  expect([await back.text(), back.headers.get('a'), theirs.bodyUsed]).toEqual(['ahoy', '1', true])
  expect(new Ours(null, { headers: new OurHeaders({ b: '2' }) }).headers.get('b')).toBe('2')
})

describe('a stream of text or bytes', () => {
  const contents = [
    ['text', 'ahoy'],
    ['bytes', encoder.encode('ahoy')],
  ] as const

  test.each(contents)('%s comes back out of it without being read', async (_, content) => {
    const first = new Ours(content, { headers: { a: '1' } })
    const stream = first.body!
    const second = new Ours(new Ours(first.body, first).body, first)
    expect([second.body === stream, stream.locked, first.bodyUsed, second.bodyUsed]).toEqual([
      true,
      false,
      false,
      false,
    ])
    expect(takeResponse(second)?.body).toEqual(content)
    expect([first.bodyUsed, second.bodyUsed]).toEqual([true, true])
    await expect(first.text()).rejects.toThrow(TypeError)
    expect(() => new Response(stream)).toThrow(TypeError)
  })

  test.each(contents)('%s is gone once somebody read of it', async (_, content) => {
    const first = new Ours(content)
    const second = new Ours(first.body)
    const reader = first.body!.getReader()
    await expect(second.text()).rejects.toThrow(TypeError)
    expect([Buffer.from((await reader.read()).value ?? '').toString(), (await reader.read()).done]).toEqual([
      'ahoy',
      true,
    ])
    reader.releaseLock()
    expect([first.bodyUsed, second.bodyUsed]).toEqual([true, true])
    expect(() => new Ours(first.body)).toThrow(TypeError)
    expect(() => takeResponse(second)).toThrow(TypeError)
  })

  test.each(contents)('%s is whole again when a reader left it as it was', async (_, content) => {
    const first = new Ours(content)
    first.body!.getReader().releaseLock()
    expect(await new Ours(first.body).text()).toBe('ahoy')
  })

  test.each(contents)('%s can be cancelled, split and cloned', async (_, content) => {
    const cancelled = new Ours(content)
    await cancelled.body!.cancel()
    expect([cancelled.bodyUsed, await told(() => cancelled.text())]).toEqual([true, { threw: 'TypeError' }])
    const halves = new Ours(content).body!.tee()
    expect(await Promise.all(halves.map((half) => new Ours(half).text()))).toEqual(['ahoy', 'ahoy'])
    const first = new Ours(new Ours(content).body)
    const clone = first.clone()
    expect([await clone.text(), first.bodyUsed, await first.text()]).toEqual(['ahoy', false, 'ahoy'])
  })

  test.each(['', 'ahoy'])('%j fills a buffer of the reader', async (content) => {
    const reader = new Ours(content).body!.getReader({ mode: 'byob' })
    const pieces: Uint8Array[] = []
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(3))
      if (done) break
      pieces.push(value)
    }
    expect(Buffer.concat(pieces).toString()).toBe(content)
  })
})

test('it is shown without being touched', () => {
  const response = new Ours('ahoy', { headers: { a: '1' } })
  expect(inspect(response)).toMatch(/^Response \{[^]*status: 200[^]*a: '1'/)
  expect(inspect(new OurHeaders({ a: '1' }))).toBe("Headers { a: '1' }")
})
