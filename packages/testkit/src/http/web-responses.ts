import assert from 'node:assert/strict'

import * as http from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { soon, turn, until } from '../wait.ts'
import { ask, Gate, head, serve, wire } from './meeting.ts'

export const responseFeatures: readonly Feature[] = [
  feature('responses of the runtime and of the package are sent, whatever they hold', async (broom) => {
    for (const Made of [Response, http.Response] as (typeof Response)[]) {
      const answers: Record<string, () => Response> = {
        '/text': () => new Made('größer', { status: 201, headers: { 'X-A': 'b' } }),
        '/json': () => Made.json({ a: 1 }),
        '/bytes': () => new Made(new Uint8Array([97, 98])),
        '/buffer': () => new Made(new Uint8Array([97, 98]).buffer),
        '/blob': () => new Made(new Blob(['blob'], { type: 'text/css' })),
        '/query': () => new Made(new URLSearchParams({ a: 'b c' })),
        '/stream': () => new Made(new Blob(['streamed']).stream()),
        '/none': () => new Made(null, { status: 204 }),
        '/away': () => Made.redirect('http://b.example/', 307),
        '/read': () => {
          const response = new Made('looked at')
          response.headers.set('X-A', String(response.body !== null))
          return response.clone()
        },
      }
      const served = await serve(broom, (request) => answers[new URL(request.url).pathname]!())
      const client = await wire(broom, served)
      client.write(
        Object.keys(answers)
          .map((target) => head(`GET ${target}`))
          .join(''),
      )
      const got = await client.answers(10)
      assert.deepEqual(
        got.map(({ status, body }) => `${status} ${Buffer.from(body, 'latin1').toString()}`),
        [
          '201 größer',
          '200 {"a":1}',
          '200 ab',
          '200 ab',
          '200 blob',
          '200 a=b+c',
          '200 streamed',
          '204 ',
          '307 ',
          '200 looked at',
        ],
      )
      assert.equal(got[0]?.fields.get('x-a'), 'b')
      assert.equal(got[8]?.fields.get('location'), 'http://b.example/')
      assert.equal(got[9]?.fields.get('x-a'), 'true')
    }
  }),

  feature('what a response holds says its type, whoever made it', async (broom) => {
    const data = new FormData()
    data.set('note', 'ahoy')
    for (const Made of [Response, http.Response] as (typeof Response)[]) {
      const answers: Record<string, () => Response> = {
        '/json': () => Made.json({ a: 1 }),
        '/blob': () => new Made(new Blob(['blob'], { type: 'text/css' })),
        '/query': () => new Made(new URLSearchParams({ a: 'b c' })),
        '/form': () => new Made(data),
        '/given': () => new Made('text', { headers: { 'Content-Type': 'text/html' } }),
      }
      const served = await serve(broom, (request) => answers[new URL(request.url).pathname]!())
      const client = await wire(broom, served)
      client.write(
        Object.keys(answers)
          .map((target) => head(`GET ${target}`))
          .join(''),
      )
      const types = (await client.answers(5)).map(({ fields }) => fields.get('content-type')?.split(';'))
      assert.deepEqual(
        types.map((type) => type?.[0]),
        [
          'application/json',
          'text/css',
          'application/x-www-form-urlencoded',
          'multipart/form-data',
          'text/html',
        ],
      )
      assert.match(types[3]?.[1] ?? '', /^ ?boundary=/)
    }
  }),

  feature('text in a response of the package is plain', async (broom) => {
    const served = await serve(broom, () => new http.Response('ahoy'))
    const [answer] = await ask(broom, served, head('GET /', 'Connection: close'))
    assert.equal(answer?.fields.get('content-type'), 'text/plain;charset=UTF-8')
  }),

  feature('text in a response of the runtime is plain', async (broom) => {
    const served = await serve(broom, () => new Response('ahoy'))
    const [answer] = await ask(broom, served, head('GET /', 'Connection: close'))
    assert.equal(answer?.fields.get('content-type')?.toLowerCase(), 'text/plain;charset=utf-8')
  }),

  feature('cookies are a line each, whoever made the response', async (broom) => {
    const headers: [string, string][] = [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X-C', '3'],
      ['X-C', '4'],
    ]
    for (const Made of [Response, http.Response] as (typeof Response)[]) {
      const served = await serve(broom, () => new Made('x', { headers }))
      const [answer] = await ask(broom, served, head('GET /', 'Connection: close'))
      assert.deepEqual(answer?.fields.all('set-cookie'), ['a=1', 'b=2'])
      assert.equal(answer?.fields.all('x-c').join(', '), '3, 4')
    }
  }),

  feature('what is fetched is passed on', async (broom) => {
    const behind = await serve(broom, async (request) => {
      const text = `${request.method} ${await request.text()}`
      return new http.Response(text, { status: 202, headers: { 'X-A': 'b' } })
    })
    const served = await serve(broom, async (request) => {
      const { method } = request
      const fetched = await fetch(behind.origin, { method, body: await request.text() })
      return new URL(request.url).pathname === '/same' ? fetched : new Response(fetched.body, fetched)
    })
    const client = await wire(broom, served)
    for (const target of ['/same', '/copy'])
      client.write(head(`POST ${target}`, 'Content-Length: 4') + 'ahoy')
    for (const { status, body, fields } of await client.answers(2)) {
      assert.deepEqual([status, body, fields.get('x-a')], [202, 'POST ahoy', 'b'])
    }
  }),

  feature(
    'a stream is pulled no faster than the client reads, and cancelled when it is gone',
    async (broom) => {
      for (const Made of [Response, http.Response] as (typeof Response)[]) {
        let pulled = 0
        const cancelled = new Gate()
        const served = await serve(broom, () => {
          const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
            pulled++
            await turn()
            controller.enqueue(new Uint8Array(256 * 1024))
          }
          return new Made(new ReadableStream({ pull, cancel: () => cancelled.open() }))
        })
        const client = await wire(broom, served)
        client.write(head('GET /'))
        await client.heard('\r\n\r\n')
        client.connection.pause()
        let held = 0
        while (held !== pulled && pulled < 256) {
          held = pulled
          // Long enough for many a pull, were there any.
          await turn(400)
        }
        assert.ok(pulled < 256, 'it never stopped')
        client.connection.resume()
        await until(() => pulled > held + 8, 'it goes on')
        client.connection.destroy()
        await soon(cancelled.opened, 'it is cancelled')
      }
    },
  ),

  feature('what is no answer, or was used before, costs a 500', async (broom) => {
    const told: unknown[] = []
    const used = new Response('used')
    await used.text()
    const answers: Record<string, () => unknown> = {
      '/nothing': () => undefined,
      '/text': () => 'ahoy',
      '/used': () => used,
      '/error': () => Response.error(),
      '/throws': () => {
        throw new Error('flooded')
      },
    }
    const served = await serve(broom, (request) => answers[new URL(request.url).pathname]!() as Response, {
      onError: (error) => void told.push(error),
    })
    const targets = Object.keys(answers)
    for (const target of targets) {
      const [answer] = await ask(broom, served, head(`GET ${target}`, 'Connection: close'))
      assert.deepEqual([target, answer?.status, answer?.body.includes('flooded')], [target, 500, false])
    }
    assert.equal(told.length, targets.length)
  }),
]
