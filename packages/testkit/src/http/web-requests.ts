import assert from 'node:assert/strict'

import * as http from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { soon, turn, until } from '../wait.ts'
import { ask, Gate, head, serve, servedBy, wire } from './meeting.ts'

/** Not every runtime's own has it; that of the package does. */
type Readable = Request & { bytes(): Promise<Uint8Array> }

const form = (boundary: string): string =>
  [
    `--${boundary}`,
    'Content-Disposition: form-data; name="note"',
    '',
    'ahoy',
    `--${boundary}`,
    'Content-Disposition: form-data; name="file"; filename="a.txt"',
    'Content-Type: text/plain',
    '',
    'contents',
    `--${boundary}--`,
    '',
  ].join('\r\n')

export const requestFeatures: readonly Feature[] = [
  feature('a request is one of the runtime’s, with method, URL, headers and context', async (broom) => {
    const served = await serve(broom, (request, context, third) => {
      assert.ok(request instanceof Request)
      assert.ok(request instanceof http.Request)
      assert.ok(request.headers instanceof Headers)
      assert.equal(request.body, null)
      assert.equal(context, third)
      assert.equal(context.remoteAddress.kind, 'ip')
      assert.deepEqual([...request.headers.keys()].toSorted(), ['connection', 'host', 'x-b'])
      return new Response(`${request.method} ${request.url} ${request.headers.get('X-B')}`)
    })
    const [answer] = await ask(broom, served, head('GET /a%20b?c', 'X-B: c', 'x-b: d', 'Connection: close'))
    assert.equal(answer?.body, 'GET http://example/a%20b?c c, d')
  }),

  feature('a body is read as text, JSON, bytes, a buffer, a blob, a stream and a clone', async (broom) => {
    const readers: Record<string, (request: Request) => Promise<string>> = {
      '/text': (request) => request.text(),
      '/json': async (request) => JSON.stringify(await request.json()),
      '/bytes': async (request) => Buffer.from(await (request as Readable).bytes()).toString(),
      '/buffer': async (request) => Buffer.from(await request.arrayBuffer()).toString(),
      '/blob': async (request) => (await request.blob()).text(),
      '/stream': async (request) => {
        let text = ''
        for await (const chunk of request.body!) text += Buffer.from(chunk).toString()
        return text
      },
      '/clone': async (request) => {
        const clone = request.clone()
        assert.equal(await clone.text(), '[1]')
        return request.text()
      },
    }
    const served = await serve(broom, async (request) => {
      const text = await readers[new URL(request.url).pathname]!(request)
      return new Response(`${text} ${request.bodyUsed}`)
    })
    const client = await wire(broom, served)
    const targets = Object.keys(readers)
    for (const target of targets) {
      client.write(head(`POST ${target}`, 'Content-Length: 3') + '[1]')
      client.write(head(`POST ${target}`, 'Transfer-Encoding: chunked') + '1\r\n[\r\n2\r\n1]\r\n0\r\n\r\n')
    }
    const got = await client.answers(targets.length * 2)
    assert.deepEqual(
      got.map(({ body }) => body),
      got.map(() => '[1] true'),
    )
  }),

  feature('forms are read, of both kinds', async (broom) => {
    const served = await serve(broom, async (request) => {
      const data = await request.formData()
      const file = data.get('file')
      const text = file === null || typeof file === 'string' ? file : `${file.name} ${await file.text()}`
      return new Response(`${data.get('note') as string} ${text}`)
    })
    const client = await wire(broom, served)
    const body = form('xyz')
    const type = 'Content-Type: multipart/form-data; boundary=xyz'
    client.write(head('POST /', type, `Content-Length: ${body.length}`) + body)
    const query = 'note=a+b&file=%C3%BC'
    const plain = 'Content-Type: application/x-www-form-urlencoded'
    client.write(head('POST /', plain, `Content-Length: ${query.length}`) + query)
    const got = await client.answers(2)
    assert.deepEqual(
      got.map(({ body: text }) => Buffer.from(text, 'latin1').toString()),
      ['ahoy a.txt contents', 'a b ü'],
    )
  }),

  feature('the package’s Request takes one that was served, with what is changed', async (broom) => {
    const served = await serve(broom, async (request) => {
      const { origin } = new URL(request.url)
      const copy = new http.Request(request, { headers: { 'X-B': 'changed' } })
      const other = new http.Request(`${origin}/other`, { method: 'PUT', body: await copy.text() })
      return new Response(
        [copy.method, copy.url, copy.headers.get('x-b'), other.url, await other.text()].join(' '),
      )
    })
    const [answer] = await ask(
      broom,
      served,
      head('POST /a', 'Content-Length: 4', 'Connection: close') + 'ahoy',
    )
    assert.equal(answer?.body, 'POST http://example/a changed http://example/other ahoy')
  }),

  feature('the runtime’s Request takes one that was served', async (broom) => {
    const served = await serve(broom, async (request) => {
      const copy = new Request(request, { headers: { 'X-B': 'changed' } })
      return new Response([copy.method, copy.url, copy.headers.get('x-b'), await copy.text()].join(' '))
    })
    const [answer] = await ask(
      broom,
      served,
      head('POST /a', 'Content-Length: 4', 'Connection: close') + 'ahoy',
    )
    assert.equal(answer?.body, 'POST http://example/a changed ahoy')
  }),

  feature('the runtime’s Request takes the URL of one that was served, and the rest of it', async (broom) => {
    const served = await serve(broom, async (request) => {
      const copy = new Request('http://b.example/', request)
      return new Response([copy.method, copy.url, copy.headers.get('x-b'), await copy.text()].join(' '))
    })
    const text = head('POST /a', 'X-B: c', 'Content-Length: 4', 'Connection: close') + 'ahoy'
    const [answer] = await ask(broom, served, text)
    assert.equal(answer?.body, 'POST http://b.example/ c ahoy')
  }),

  feature('the signal of a request fires when its client is gone', async (broom) => {
    const [asked, aborted] = [new Gate(), new Gate()]
    const served = await serve(broom, async (request) => {
      assert.ok(request.signal instanceof AbortSignal)
      request.signal.addEventListener('abort', () => aborted.open())
      asked.open()
      await aborted.opened
      return new Response()
    })
    const client = await wire(broom, served)
    client.write(head('GET /'))
    await soon(asked.opened, 'it is asked')
    client.connection.destroy()
    await soon(aborted.opened, 'the signal fires')
  }),

  feature('a body is a stream with back-pressure', async (broom) => {
    const gate = new Gate()
    const served = await serve(
      broom,
      async (request) => {
        const reader = request.body!.getReader()
        await reader.read()
        await gate.opened
        reader.releaseLock()
        let size = 0
        for await (const chunk of request.body!) size += chunk.length
        return new Response(String(size > 15_000_000))
      },
      { maxBodySize: Infinity },
    )
    const client = await wire(broom, served)
    const size = 16 * 1024 * 1024
    client.write(head('PUT /', `Content-Length: ${size}`))
    client.connection.send(new Uint8Array(size)).catch(() => {})
    await until(() => served.server.stats().requests === 1, 'it is asked')
    await turn(200)
    const { bytesIn } = served.server.stats()
    assert.ok(bytesIn < 4 * 1024 * 1024, `${bytesIn} bytes were read`)
    gate.open()
    assert.equal((await client.answers(1))[0]?.body, 'true')
  }),

  feature('the context informs, adds trailers and waits', async (broom) => {
    const waited = new Gate()
    const served = await serve(broom, async (request, context) => {
      context.inform(103, { Link: '</a>' })
      const text = await request.text()
      context.trailers(() => ({ 'X-Sum': `${text} ${context.requestTrailers?.get('x-a')}` }))
      context.waitUntil(turn(3).then(() => waited.open()))
      return new Response(new Blob(['ahoy']).stream())
    })
    const client = await wire(broom, served)
    const chunked = ['Transfer-Encoding: chunked', 'Connection: TE', 'TE: trailers']
    client.write(head('POST /', ...chunked) + '1\r\nx\r\n0\r\nX-A: b\r\n\r\n')
    const [early, answer] = await client.answers(2)
    assert.deepEqual([early?.status, answer?.body, answer?.trailers?.get('x-sum')], [103, 'ahoy', 'x b'])
    await soon(waited.opened, 'it is done')
  }),

  feature('serve takes a handler alone, or an object with fetch', async (broom) => {
    const handler: http.FetchHandler = (request) => new Response(new URL(request.url).pathname)
    const options = { port: 0, idleGrace: 0, fetch: handler }
    for (const server of [await http.serve(options), await http.serve({ port: 0 }, handler)]) {
      const served = servedBy(broom.keep(server))
      const [answer] = await ask(broom, served, head('GET /a', 'Connection: close'))
      assert.equal(answer?.body, '/a')
    }
    await assert.rejects(http.serve({ port: 0 } as typeof options), TypeError)
  }),

  feature('it is asked without a socket', async (broom) => {
    const { server } = await serve(broom, async (request) => Response.json({ said: await request.json() }))
    const response = await server.inject('/', { method: 'POST', body: '[1]' })
    assert.ok(response instanceof Response)
    assert.deepEqual(await response.json(), { said: [1] })
  }),
]
