// What the server of web-platform-tests says to the cases of fetch/api, on Fairlead's `serve`: its files, and in place
// of its handlers in Python these.

import { readFile } from 'node:fs/promises'
import { join, normalize } from 'node:path'

import { serve } from '../../../packages/http/dist/index.js'

const types = {
  html: 'text/html',
  js: 'text/javascript',
  json: 'application/json',
  png: 'image/png',
  txt: 'text/plain',
}

/** Serves `folder` on two ports, for two origins: `{ ports, close }`. */
export async function serveTests(folder) {
  const stash = new Map()
  const answer = (request) => respond(folder, stash, request)
  const servers = [
    await serve({ host: 'localhost', port: 0 }, answer),
    await serve({ host: 'localhost', port: 0 }, answer),
  ]
  return {
    ports: servers.map((it) => it.address.port),
    close: () => Promise.all(servers.map((it) => it.close({ grace: 0 }))),
  }
}

async function respond(folder, stash, request) {
  const url = new URL(request.url)
  const name = url.pathname.split('/').at(-1)
  const asked = {
    request,
    url,
    query: queryOf(url.search),
    stash,
    place: url.pathname.slice(0, -name.length),
  }
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
  return handler ? handler(asked) : file(folder, asked)
}

async function file(folder, { url, query }) {
  const path = join(folder, normalize(url.pathname))
  const content = await readFile(path).catch(() => undefined)
  if (content === undefined) return new Response('Not found', { status: 404 })
  const headers = new Headers({ 'Content-Type': types[path.split('.').at(-1)] ?? 'application/octet-stream' })
  const more = await readFile(`${path}.headers`, 'latin1').catch(() => '')
  for (const [, field, value] of more.matchAll(/^([^:\n]+): *(.*)$/gm)) headers.append(field, value)
  let status = 200
  for (const [, pipe, args] of (query.get('pipe') ?? '').matchAll(/(\w+)\(([^)]*)\)/g)) {
    const [first, second] = args.split(',')
    if (pipe === 'header') headers.append(first, second.trim())
    if (pipe === 'status') status = Number(first)
  }
  return new Response(content, { status, headers })
}

const handlers = {
  'status.py': ({ request, query }) => {
    const status = Number(query.get('code') ?? 200)
    const headers = { 'Content-Type': query.get('type') ?? '', 'X-Request-Method': request.method }
    const content = isBodiless(status) ? null : bytes(query.get('content') ?? '')
    return new Response(content, { status, statusText: query.get('text') ?? 'OMG', headers })
  },

  'method.py': async ({ request, query }) => {
    const headers = new Headers({ 'x-request-method': request.method })
    if (query.has('cors')) allow(headers, 'x-test, x-foo')
    for (const name of ['type', 'length', 'encoding', 'language', 'location']) {
      headers.set(`x-request-content-${name}`, request.headers.get(`content-${name}`) ?? 'NO')
    }
    return new Response(await request.arrayBuffer(), { headers })
  },

  'echo-content.py': async ({ request }) => {
    const headers = {
      'X-Request-Method': request.method,
      'X-Request-Content-Length': request.headers.get('content-length') ?? 'NO',
      'X-Request-Content-Type': request.headers.get('content-type') ?? 'NO',
      'Content-Type': 'text/plain',
    }
    return new Response(await request.arrayBuffer(), { headers })
  },

  'inspect-headers.py': ({ request, query }) => {
    const headers = new Headers({ 'Content-Type': 'text/plain' })
    if (query.has('cors')) allow(headers, query.get('allow_headers') ?? '*')
    for (const name of (query.get('headers') ?? '').split('|')) {
      const value = name === '' ? null : request.headers.get(name)
      if (value !== null) headers.set(`x-request-${name}`, value)
    }
    return new Response('', { headers })
  },

  'redirect.py': async ({ request, query, stash }) => {
    const headers = new Headers({
      'Content-Type': 'text/plain',
      'Cache-Control': 'no-cache',
      Pragma: 'no-cache',
    })
    headers.set('Access-Control-Allow-Origin', request.headers.get('origin') ?? '*')
    const token = query.get('token')
    const count = (stash.get(token)?.count ?? 0) + 1
    const status = Number(query.get('redirect_status') ?? 302)
    const location = query.get('location')
    if (location !== undefined)
      headers.set('Location', query.has('simple') ? location : again(location, query, count))
    if (query.has('redirect_referrerpolicy'))
      headers.set('Referrer-Policy', query.get('redirect_referrerpolicy'))
    if (query.has('delay')) await pause(query.get('delay'))
    if (token !== undefined) {
      stash.set(token, { count })
      const most = query.get('max_count')
      if (most !== undefined && count > Number(most)) return new Response(String(count - 1))
    }
    return new Response(isBodiless(status) ? null : '', { status, headers })
  },

  'redirect-empty-location.py': () => new Response('', { status: 302, headers: { Location: '' } }),

  'trickle.py': async ({ request, query }) => {
    await request.arrayBuffer()
    const wait = query.get('ms') ?? 500
    await pause(wait)
    const headers = query.has('notype') ? {} : { 'Content-Type': 'text/plain' }
    return new Response(drops(Number(query.get('count') ?? 50), wait), { headers })
  },

  /** Its chunks are cut off: what is wrong with them is no matter to these tests. */
  'bad-chunk-encoding.py': async ({ query }) => {
    const wait = query.get('ms') ?? 1_000
    await pause(wait)
    const good = drops(Number(query.get('count') ?? 50), wait, 'TEST_CHUNK')
    async function* bad() {
      yield* good
      throw new Error('Garbage')
    }
    return new Response(ReadableStream.from(bad()))
  },

  'infinite-slow-response.py': ({ query, stash, place }) => {
    const [state, abort] = ['stateKey', 'abortKey'].map((name) => query.get(name) && place + query.get(name))
    if (state) stash.set(state, 'open')
    const over = () => state && stash.set(state, 'closed')
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(bytes('.'.repeat(2048))),
      async pull(controller) {
        await pause(10)
        if (abort && stash.delete(abort)) {
          over()
          return controller.close()
        }
        controller.enqueue(bytes('.'))
      },
      cancel: over,
    })
    return new Response(stream, { headers: { 'Content-Type': 'text/plain' } })
  },

  'stash-put.py': ({ query, stash, place }) => {
    stash.set(place + query.get('key'), query.get('value'))
    return new Response('done', { headers: { 'Access-Control-Allow-Origin': '*' } })
  },

  'stash-take.py': ({ query, stash, place }) => {
    const value = take(stash, place + query.get('key')) ?? null
    return Response.json(value, { headers: { 'Access-Control-Allow-Origin': '*' } })
  },

  'clean-stash.py': ({ query, stash }) =>
    new Response(take(stash, query.get('token')) === undefined ? '0' : '1'),

  'cache.py': ({ request }) => {
    if (request.headers.get('if-none-match') === '"123abc"') {
      return new Response(null, { status: 304, headers: { 'X-HTTP-STATUS': '304' } })
    }
    const headers = { ETag: '"123abc"', 'Content-Type': 'text/plain' }
    return new Response('lorem ipsum dolor sit amet', { headers })
  },

  'authentication.py': ({ request, query }) => {
    if (request.headers.get('authorization') === `Basic ${btoa('user:password')}`) {
      return new Response('Authentication done')
    }
    const headers = { 'WWW-Authenticate': `Basic realm="${query.get('realm') ?? 'test'}"` }
    return new Response("Please login with credentials 'user' and 'password'", { status: 401, headers })
  },

  'dump-authorization-header.py': ({ request }) => {
    const headers = new Headers({ 'Content-Type': 'text/html' })
    allow(headers, 'Authorization')
    return new Response(request.headers.get('authorization') ?? 'none', { headers })
  },

  /** In headers/resources: the value of a field, by its name. */
  'echo-headers.py': ({ request }) =>
    new Response([...request.headers].map((it) => it.join(': ')).join('\n')),
}

/** Names and values by percent-decoding to bytes, a character each. */
function queryOf(search) {
  const decode = (text) =>
    text
      .replaceAll('+', ' ')
      .replace(/%([\dA-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  const query = new Map()
  for (const pair of search.slice(1).split('&')) {
    const [, name, value = ''] = /^([^=]*)=?(.*)$/s.exec(pair)
    if (pair !== '' && !query.has(decode(name))) query.set(decode(name), decode(value))
  }
  return query
}

/** The location with everything that was asked, so that it redirects in its turn. */
function again(location, query, count) {
  if (/^[a-z][a-z\d+.-]*:/i.test(location) && !/^https?:/i.test(location)) return location
  const rest = new URLSearchParams([...query])
  return `${location}${location.includes('?') ? '&' : '?'}${rest}&count=${count}`
}

function allow(headers, names) {
  headers.set('Access-Control-Allow-Origin', '*')
  headers.set('Access-Control-Allow-Headers', names)
}

async function* drops(count, wait, drop = 'TEST_TRICKLE\n') {
  for (let at = 0; at < count; at++) {
    await pause(wait)
    yield bytes(drop)
  }
}

function take(stash, key) {
  const value = stash.get(key)
  stash.delete(key)
  return value
}

const bytes = (text) => Buffer.from(text, 'latin1')
const isBodiless = (status) => [204, 205, 304].includes(status)
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, Number(milliseconds)))
