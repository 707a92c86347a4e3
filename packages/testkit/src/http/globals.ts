import assert from 'node:assert/strict'

import * as http from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { ask, head, serve, wire } from './meeting.ts'

/** The classes of the runtime itself, which whoever imports `@fairlead/http/globals` keeps before. */
export interface OwnClasses {
  readonly Headers: typeof Headers
  readonly Request: typeof Request
  readonly Response: typeof Response
  readonly fetch: typeof fetch
}

/** What holds in a process that has imported `@fairlead/http/globals`. */
export function globalFeatures(own: OwnClasses): readonly Feature[] {
  return [
    feature('the globals are those of the package, once and for all', async () => {
      assert.deepEqual([Headers, Request, Response], [http.Headers, http.Request, http.Response])
      assert.notEqual(Response, own.Response)
      assert.deepEqual([Request.name, Response.name, fetch.name], ['Request', 'Response', 'fetch'])
      await import('@fairlead/http/globals')
      assert.equal(Response, http.Response)
    }),

    feature('instanceof holds both ways, of what is fetched, too', async (broom) => {
      const { origin } = await serve(broom, () => new Response('x'))
      const fetched = await fetch(origin)
      for (const response of [
        fetched,
        fetched.clone(),
        new own.Response('x'),
        new Response('x'),
        Response.json(1),
      ]) {
        assert.ok(response instanceof Response)
        assert.ok(response instanceof own.Response)
        assert.ok(response.headers instanceof Headers)
      }
      assert.ok(new own.Request('http://a/') instanceof Request)
      assert.ok(new Request('http://a/') instanceof own.Request)
      assert.equal(await fetched.text(), 'x')
    }),

    feature('what is made with the globals is sent', async (broom) => {
      const answers: Record<string, (request: Request) => Response | Promise<Response>> = {
        '/text': () => new Response('ahoy', { headers: new Headers({ 'X-A': 'b' }) }),
        '/json': async (request) => Response.json({ length: (await request.text()).length }),
        '/echo': (request) => new Response(request.body),
        '/own': () => new own.Response('own'),
        '/blob': () => new Response(new Blob(['blob'])),
      }
      const served = await serve(broom, (request) => answers[new URL(request.url).pathname]!(request))
      const client = await wire(broom, served)
      for (const target of Object.keys(answers)) {
        client.write(head(`POST ${target}`, 'Content-Length: 4') + 'ahoy')
      }
      const got = await client.answers(5)
      assert.deepEqual(
        got.map(({ body }) => body),
        ['ahoy', '{"length":4}', 'ahoy', 'own', 'blob'],
      )
      assert.equal(got[0]?.fields.get('x-a'), 'b')
    }),

    feature('fetch takes a request that was served, and one that was made of it', async (broom) => {
      const behind = await serve(broom, async (request) => {
        const { method, headers } = request
        return new Response(`${method} ${headers.get('x-b')} ${await request.text()}`, { status: 202 })
      })
      const proxies: http.FetchHandler[] = [
        (request) => fetch(new Request(`${behind.origin}/`, request)),
        (request) => fetch(`${behind.origin}/`, request),
        async (request) => {
          const fetched = await fetch(`${behind.origin}/`, request)
          return new Response(fetched.body, fetched)
        },
        async (request) => {
          const clone = request.clone()
          await clone.text()
          return (await fetch(new Request(`${behind.origin}/`, request))).clone()
        },
      ]
      for (const [index, proxy] of proxies.entries()) {
        const served = await serve(broom, proxy)
        const text = head('POST /', 'X-B: c', 'Content-Length: 4', 'Connection: close') + 'ahoy'
        const [answer] = await ask(broom, served, text)
        assert.deepEqual([index, answer?.status, answer?.body], [index, 202, 'POST c ahoy'])
      }
    }),

    feature('a request is made of one that was served', async (broom) => {
      const served = await serve(broom, async (request) => {
        const copy = new Request(request, { headers: { 'X-B': 'changed' } })
        return new Response(`${copy.method} ${copy.url} ${copy.headers.get('x-b')} ${await copy.text()}`)
      })
      const text = head('POST /a', 'Content-Length: 4', 'Connection: close') + 'ahoy'
      const [answer] = await ask(broom, served, text)
      assert.equal(answer?.body, 'POST http://example/a changed ahoy')
    }),

    feature('subclasses of users are sent', async (broom) => {
      class Page extends Response {
        constructor(text: string) {
          super(`<p>${text}`, { headers: { 'Content-Type': 'text/html' } })
        }
      }
      const served = await serve(broom, () => new Page('ahoy'))
      const [answer] = await ask(broom, served, head('GET /', 'Connection: close'))
      assert.deepEqual([answer?.body, answer?.fields.get('content-type')], ['<p>ahoy', 'text/html'])
      assert.equal(new Response() instanceof Page, false)
    }),

    feature('forms are made and read', async (broom) => {
      const served = await serve(broom, async (request) => {
        const note = (await request.formData()).get('note')
        return new Response(note as string)
      })
      const body = new FormData()
      body.set('note', 'ahoy')
      for (const init of [{ body }, { body: new URLSearchParams({ note: 'ahoy' }) }]) {
        const response = await fetch(served.origin, { method: 'POST', ...init })
        assert.equal(await response.text(), 'ahoy')
        assert.equal(
          (await new Request(served.origin, { method: 'POST', ...init }).formData()).get('note'),
          'ahoy',
        )
      }
    }),
  ]
}
