import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { Client, type ClientOptions, type IncomingResponse, RequestError } from '@fairlead/http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { a as identity, ca } from '../server/tls-certificates.ts'
import { findNginx, Nginx } from './nginx.ts'

const program = findNginx()

const locations = `
  client_max_body_size 0;
  gzip_types *;
  gzip_min_length 0;
  location / { root {folder}/files; }
  location /zipped/ { alias {folder}/files/; gzip on; }
  location /brief/ { alias {folder}/files/; keepalive_requests 3; }
  location /promised/ { alias {folder}/files/; keepalive_timeout 1s 1s; }
  location /hasty/ { alias {folder}/files/; keepalive_timeout 20ms; }
  location /once/ { alias {folder}/files/; keepalive_timeout 0; }
  location /slow/ { alias {folder}/files/; limit_rate 60k; }
  location /secret/ { alias {folder}/files/; auth_basic "the hold"; auth_basic_user_file {folder}/users; }
  location /store/ { root {folder}; dav_methods PUT DELETE; create_full_put_path on; }
  location /small/ { root {folder}; dav_methods PUT; create_full_put_path on; client_max_body_size 1m; }
  location = /moved { return 301 /small.txt; }
  location = /found { return 302 /who; }
  location = /other { return 302 http://127.0.0.1:{other}/who; }
  location = /again { return 308 /store/again.txt; }
  location = /seen { return 303 /who; }
  location = /loop { return 302 /loop; }
  location = /who { return 200 "$request_method $http_authorization $http_content_length"; }
  location = /nothing { return 444; }
  location = /broken { return 503; error_page 503 /sorry.txt; }
  location /backend/ { proxy_pass http://unix:{folder}/backend:/; proxy_buffering off; }
`

/** Bytes that no coding makes shorter. */
const large = randomBytes(8 * 1024 * 1024)
/** Text that every coding does. */
const page = '<p>The quick brown fox jumps over the lazy dog.</p>\n'.repeat(2_000)

let nginx: Nginx
let url = ''

async function backend(folder: string): Promise<Server> {
  // Speaks HTTP/1.0, as nginx does to those behind it: the end of the connection is that of the body.
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (chunk) => {
      const [, target] = chunk.toString('latin1').split(' ')
      if (target === '/old') socket.end(`HTTP/1.0 200 OK\r\nX-Old: yes\r\n\r\n${page}`)
      else if (target === '/cut')
        socket.end(`HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(500)}`)
      else socket.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(join(folder, 'backend'), resolve))
  return server
}

/** A tunnel to whomever `CONNECT` names, and what it was asked. */
async function tunnels(): Promise<{ server: Server; port: number; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (chunk: Buffer) => {
      const head = chunk.toString('latin1')
      asked.push(head)
      const [, host, port] = /^CONNECT (.*):(\d+) HTTP\/1\.1\r\n/.exec(head) ?? []
      const onward: Socket = connect(Number(port), host)
      onward.on('error', () => socket.destroy())
      onward.once('connect', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as { port: number }).port, asked }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const clients: Client[] = []

function client(options: ClientOptions = {}): Client {
  const one = new Client({ base: url, ...options })
  clients.push(one)
  return one
}

/** What `promise` rejects with. */
async function errorOf(promise: Promise<unknown>): Promise<RequestError> {
  const error: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(RequestError)
  return error as RequestError
}

/** Which connection nginx served it on, and the how manieth request on that it was. */
function placeOf({ headers }: IncomingResponse): [string | undefined, number] {
  return [headers.get('x-connection'), Number(headers.get('x-requests'))]
}

describe.skipIf(!program)('nginx', () => {
  let behind: Server

  beforeAll(async () => {
    nginx = await Nginx.start(program!, identity, locations)
    url = `http://127.0.0.1:${nginx.ports.plain}/`
    const files = join(nginx.folder, 'files')
    mkdirSync(join(files, 'folder'))
    writeFileSync(join(nginx.folder, 'users'), 'alice:{PLAIN}open sesame\n')
    writeFileSync(join(files, 'small.txt'), 'ahoy')
    writeFileSync(join(files, 'sorry.txt'), 'come back later')
    writeFileSync(join(files, 'page.html'), page)
    writeFileSync(join(files, 'folder', 'index.html'), 'inside')
    writeFileSync(join(files, 'large.bin'), large)
    behind = await backend(nginx.folder)
  })

  afterEach(async () => {
    for (const one of clients.splice(0)) await one.close()
  })

  afterAll(async () => {
    await nginx?.stop()
    behind?.close()
  })

  test('a file comes whole, with its length and type', async () => {
    const response = await client().request('/page.html')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html')
    expect(response.headers.get('content-length')).toBe(String(page.length))
    expect(await response.text()).toBe(page)
    const whole = await client().request('/large.bin')
    expect(hashOf(await whole.bytes())).toBe(hashOf(large))
  })

  test('HEAD tells the length, has no body, and leaves the connection to the next', async () => {
    const one = client()
    const head = await one.request('/large.bin', { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe(String(large.length))
    expect(await head.bytes()).toHaveLength(0)
    const next = await one.request('/small.txt')
    expect(await next.text()).toBe('ahoy')
    expect(placeOf(next)).toEqual([placeOf(head)[0], 2])
  })

  test('requests one after the other use one connection, and nginx counts as we do', async () => {
    const one = client()
    const places = []
    for (let count = 1; count <= 50; count++) {
      const response = await one.request('/small.txt')
      expect(response.reused).toBe(count > 1)
      expect(await response.text()).toBe('ahoy')
      places.push(placeOf(response))
    }
    const [connection] = places[0]!
    expect(places).toEqual(Array.from({ length: 50 }, (_, index) => [connection, index + 1]))
  })

  test('requests at once use as many connections as are allowed', async () => {
    const one = client({ maxConnections: 5 })
    const all = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await one.request('/small.txt')
        expect(await response.text()).toBe('ahoy')
        return placeOf(response)[0]
      }),
    )
    expect(new Set(all).size).toBe(5)
    expect(one.stats().origins[`http://127.0.0.1:${nginx.ports.plain}`]).toMatchObject({ connections: 5 })
  })

  describe('closes connections', () => {
    test.each(['brief', 'once'])(
      'as it says, and every one of 500 requests is answered (%s)',
      async (how) => {
        const one = client()
        const connections = new Set()
        for (let count = 0; count < 500; count++) {
          const get = count % 2 === 0
          const response = await one.request(`/${how}/small.txt`, { method: get ? 'GET' : 'HEAD' })
          expect(await response.text()).toBe(get ? 'ahoy' : '')
          expect(response.attempts).toBe(1)
          connections.add(placeOf(response)[0])
        }
        expect(connections.size).toBe(how === 'once' ? 500 : Math.ceil(500 / 3))
        expect(one.stats()).toMatchObject({ requests: 500, failed: 0, retries: 0 })
      },
    )

    test('without a word, at about the time they are used again: none is lost, and none answered wrong', async () => {
      let retries = 0
      let reused = 0
      await Promise.all(
        Array.from({ length: 25 }, async (_, index) => {
          const one = client()
          for (let count = 0; count < 20; count++) {
            const start = (index * 997 + count * 331) % 4_000_000
            const response = await one.request('/hasty/large.bin', {
              headers: { Range: `bytes=${start}-${start + 99}` },
            })
            expect(response.status).toBe(206)
            expect(Buffer.compare(await response.bytes(), large.subarray(start, start + 100))).toBe(0)
            if (response.reused) reused++
            // nginx waits for 20.
            const until = performance.now() + 18.5 + (count % 8) / 2
            while (performance.now() < until) await new Promise((resolve) => setImmediate(resolve))
          }
          retries += one.stats().retries
        }),
      )
      // Some were sent while nginx closed.
      expect(retries + reused).toBeGreaterThan(0)
    })

    test('in a time that it tells: ours are gone before', async () => {
      const one = client()
      const origin = `http://127.0.0.1:${nginx.ports.plain}`
      const response = await one.request('/promised/small.txt')
      expect(response.headers.get('keep-alive')).toBe('timeout=1')
      expect(await response.text()).toBe('ahoy')
      const began = performance.now()
      expect(one.stats().origins[origin]).toMatchObject({ connections: 1, idle: 1 })
      await expect.poll(() => one.stats().origins[origin], { interval: 10 }).toBe(undefined)
      expect(performance.now() - began).toBeLessThan(950)
    })
  })

  describe('encodes', () => {
    test('with gzip, in chunks: what comes is the file', async () => {
      const response = await client().request('/zipped/page.html')
      expect(response.headers.get('content-encoding')).toBe('gzip')
      expect(response.headers.get('transfer-encoding')).toBe('chunked')
      expect(await response.text()).toBe(page)
      const whole = await client().request('/zipped/large.bin')
      expect(whole.headers.get('content-encoding')).toBe('gzip')
      expect(hashOf(await whole.bytes())).toBe(hashOf(large))
    })

    test('not, where nothing is to be decoded', async () => {
      const response = await client({ decode: false }).request('/zipped/page.html')
      expect(response.headers.get('content-encoding')).toBe(undefined)
      expect(await response.text()).toBe(page)
      const asked = await client({ decode: false }).request('/zipped/page.html', {
        headers: { 'Accept-Encoding': 'gzip' },
      })
      const bytes = await asked.bytes()
      expect([...bytes.subarray(0, 2)]).toEqual([...gzipSync('').subarray(0, 2)])
    })
  })

  describe('gives parts', () => {
    test.each([
      ['bytes=0-99', 0, 100],
      ['bytes=1000000-1999999', 1_000_000, 2_000_000],
      ['bytes=-10', large.length - 10, large.length],
    ])('%s', async (range, start, end) => {
      const response = await client().request('/large.bin', { headers: { Range: range } })
      expect(response.status).toBe(206)
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${large.length}`)
      expect(hashOf(await response.bytes())).toBe(hashOf(large.subarray(start, end)))
    })

    test('but not those that are not there', async () => {
      const one = client()
      const response = await one.request('/small.txt', { headers: { Range: 'bytes=100-' } })
      expect(response.status).toBe(416)
      expect(response.headers.get('content-range')).toBe('bytes */4')
      expect(await response.text()).toContain('416')
      expect((await one.request('/small.txt')).reused).toBe(true)
    })

    test('and nothing to who has it: 304, with no body and the connection kept', async () => {
      const one = client()
      const before = await one.request('/page.html')
      const etag = before.headers.get('etag')!
      await before.bytes()
      const response = await one.request('/page.html', { headers: { 'If-None-Match': etag } })
      expect(response.status).toBe(304)
      expect(response.headers.get('etag')).toBe(etag)
      expect(await response.bytes()).toHaveLength(0)
      const modified = before.headers.get('last-modified')!
      const since = await one.request('/page.html', { headers: { 'If-Modified-Since': modified } })
      expect(since.status).toBe(304)
      expect(placeOf(await one.request('/small.txt'))).toEqual([placeOf(before)[0], 4])
    })
  })

  describe('redirects', () => {
    test('to another path, and a folder to its slash', async () => {
      const moved = await client().request('/moved')
      expect([moved.status, moved.url, moved.redirects]).toEqual([200, `${url}small.txt`, [`${url}moved`]])
      expect(await moved.text()).toBe('ahoy')
      const folder = await client().request('/folder')
      expect([folder.url, folder.redirects]).toEqual([`${url}folder/`, [`${url}folder`]])
      expect(await folder.text()).toBe('inside')
    })

    test('a POST to a GET, and with 308 not', async () => {
      const found = await client().request('/found', { method: 'POST', body: 'ahoy' })
      expect(await found.text()).toBe('GET  ')
      const seen = await client().request('/seen', { method: 'PUT', body: 'ahoy' })
      expect(await seen.text()).toBe('GET  ')
      const again = await client().request('/again', { method: 'PUT', body: 'ahoy' })
      expect(again.status).toBe(201)
      expect(readFileSync(join(nginx.folder, 'store', 'again.txt'), 'utf8')).toBe('ahoy')
    })

    test('to another origin: there, nobody is told who we are', async () => {
      const headers = { Authorization: 'Bearer token' }
      const same = await client().request('/found', { headers })
      expect(await same.text()).toBe('GET Bearer token ')
      const other = await client().request('/other', { headers })
      expect(other.url).toBe(`http://127.0.0.1:${nginx.ports.other}/who`)
      expect(await other.text()).toBe('GET  ')
    })

    test('in a circle: an error says so', async () => {
      const error = await errorOf(client().request('/loop'))
      expect(error.message).toContain('/loop')
      expect(error).toMatchObject({ retryable: false, phase: 'headers' })
    })

    test('to nowhere, where nobody follows', async () => {
      const response = await client().request('/moved', { redirects: 0 })
      expect(response.status).toBe(301)
      expect(response.headers.get('location')).toBe(`${url}small.txt`)
    })
  })

  describe('refuses', () => {
    const size = 50 * 1024 * 1024
    async function* pieces(): AsyncGenerator<Uint8Array> {
      const piece = new Uint8Array(64 * 1024)
      for (let sent = 0; sent < size; sent += piece.byteLength) yield piece
    }

    describe.each([
      { how: 'with a length', bodyOf: () => new Uint8Array(size) },
      { how: 'in chunks', bodyOf: pieces },
    ])('11 a body of 50 MB $how', ({ how, bodyOf }) => {
      test.each([false, true])('each of 20 times 413 is seen (Expect: %s)', async (expectContinue) => {
        const one = client()
        for (let count = 0; count < 20; count++) {
          const body = bodyOf()
          const response = await one.request('/small/large.bin', { method: 'PUT', body, expectContinue })
          expect(response.status).toBe(413)
          expect(await response.text()).toContain('413 Request Entity Too Large')
          expect(response.attempts).toBe(1)
          // Of a body in chunks, the server wants as much as it takes.
          if (expectContinue && how === 'with a length') expect(response.bytesWritten).toBeLessThan(1_000)
        }
        // What was sent in vain cost no more than that connection.
        expect(await (await one.request('/small.txt')).text()).toBe('ahoy')
      })
    })

    test('strangers, and lets in who says the word in the URL', async () => {
      const one = client()
      const stranger = await one.request('/secret/small.txt')
      expect(stranger.status).toBe(401)
      expect(stranger.headers.get('www-authenticate')).toBe('Basic realm="the hold"')
      await stranger.bytes()
      const { host } = new URL(url)
      const friend = await one.request(`http://alice:open%20sesame@${host}/secret/small.txt`)
      expect(friend.status).toBe(200)
      expect(friend.url).toBe(`${url}secret/small.txt`)
      expect(await friend.text()).toBe('ahoy')
      const wrong = await one.request(`http://alice:sesame@${host}/secret/small.txt`)
      expect(wrong.status).toBe(401)
      expect(placeOf(wrong)).toEqual([placeOf(stranger)[0], 3])
    })

    test('with pages of its own', async () => {
      const one = client()
      const broken = await one.request('/broken')
      expect([broken.status, broken.reason, broken.ok]).toEqual([
        503,
        'Service Temporarily Unavailable',
        false,
      ])
      expect(await broken.text()).toBe('come back later')
      const lost = await one.request('/nowhere')
      expect(lost.status).toBe(404)
      expect(await lost.text()).toContain('404 Not Found')
      const put = await one.request('/small.txt', { method: 'PUT', body: 'ahoy' })
      expect(put.status).toBe(405)
    })
  })

  describe('closes the connection', () => {
    test('in the place of an answer: whether it is safe to ask again is up to the method', async () => {
      const get = await errorOf(client().request('/nothing'))
      expect(get).toMatchObject({
        code: 'ERR_FAIRLEAD_BROKEN',
        phase: 'headers',
        method: 'GET',
        retryable: true,
        reused: false,
        attempts: 1,
      })
      const post = await errorOf(client().request('/nothing', { method: 'POST', body: 'ahoy' }))
      expect(post).toMatchObject({ code: 'ERR_FAIRLEAD_BROKEN', phase: 'headers', retryable: false })
      expect(post.bytesWritten).toBeGreaterThan(4)
    })

    test('behind other answers: a GET is sent once more, a POST is not', async () => {
      const one = client()
      await (await one.request('/small.txt')).text()
      expect(await errorOf(one.request('/nothing'))).toMatchObject({ attempts: 2, retryable: true })
      expect(one.stats().retries).toBe(1)
      await (await one.request('/small.txt')).text()
      const post = await errorOf(one.request('/nothing', { method: 'POST', body: 'ahoy' }))
      expect(post).toMatchObject({ attempts: 1, reused: true, retryable: false })
      expect(one.stats().retries).toBe(1)
    })

    test('in the middle of an answer: half of it is not taken for all', async () => {
      const response = await client().request('/backend/cut')
      expect(response.status).toBe(200)
      const error = await errorOf(response.text())
      expect(error).toMatchObject({ phase: 'body', retryable: false })
    })

    test('of those behind it: 502', async () => {
      expect((await client().request('/backend/gone')).status).toBe(502)
    })
  })

  test('an answer of HTTP/1.0 behind it ends with its connection, and comes whole', async () => {
    const response = await client().request('/backend/old')
    expect([response.minor, response.headers.get('x-old')]).toEqual([1, 'yes'])
    expect(response.headers.get('transfer-encoding')).toBe('chunked')
    expect(await response.text()).toBe(page)
  })

  test('what comes slowly comes whole, and is told of on the way', async () => {
    const seen: number[] = []
    const began = performance.now()
    const response = await client().request('/slow/page.html', {
      onDownload: ({ bytes }) => seen.push(bytes),
    })
    expect(await response.text()).toBe(page)
    expect(performance.now() - began).toBeGreaterThan(200)
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.at(-1)).toBe(page.length)
  })

  test('a reader that stops is waited for', async () => {
    const one = client()
    const response = await one.request('/large.bin')
    const hash = createHash('sha256')
    const { body } = response
    await new Promise<void>((resolve, reject) => {
      let stopped = false
      body.handle({
        onData(chunk) {
          hash.update(chunk)
          if (stopped) return
          stopped = true
          body.pause()
          void settled(() => one.stats().bytesIn).then((bytes) => {
            expect(bytes).toBeLessThan(1024 * 1024)
            body.resume()
          }, reject)
        },
        onClose: (reason) => (reason.kind === 'error' ? reject(reason.error) : resolve()),
        onEnd: resolve,
      })
    })
    expect(hash.digest('hex')).toBe(hashOf(large))
  })

  describe('stores', () => {
    test.each([
      ['text', 'ahoy', {}],
      ['bytes', large, {}],
      ['a Blob', new Blob([large]), {}],
      ['pieces', piecesOf, {}],
      ['bytes that it was asked about', large, { expectContinue: true }],
      ['pieces that it was asked about', piecesOf, { expectContinue: true }],
    ] as const)('%s', async (_, given, options) => {
      const one = client()
      const body = typeof given === 'function' ? given() : given
      const response = await one.request('/store/new.bin', { method: 'PUT', body, ...options })
      expect(response.status).toBeOneOf([201, 204])
      expect(response.informational.map(({ status }) => status)).toEqual(
        'expectContinue' in options ? [100] : [],
      )
      const stored = await one.request('/store/../new.bin')
      expect(stored.status).toBe(404)
      const sent = typeof given === 'string' ? Buffer.from(given) : large
      expect(hashOf(readFileSync(join(nginx.folder, 'store', 'new.bin')))).toBe(hashOf(sent))
      expect(stored.reused).toBe(true)
    })

    test('a file, or a part of one, with its exact length', async () => {
      const one = client()
      const file = join(nginx.folder, 'files', 'large.bin')
      const seen: number[] = []
      const onUpload = ({ bytes, total }: { bytes: number; total: number | undefined }): void => {
        expect(total).toBe(large.length)
        seen.push(bytes)
      }
      await one.request('/store/file.bin', { method: 'PUT', body: { file }, onUpload })
      expect(hashOf(readFileSync(join(nginx.folder, 'store', 'file.bin')))).toBe(hashOf(large))
      expect(seen.at(-1)).toBe(large.length)
      await one.request('/store/part.bin', { method: 'PUT', body: { file, start: 1_000, end: 2_000_000 } })
      const part = readFileSync(join(nginx.folder, 'store', 'part.bin'))
      expect(hashOf(part)).toBe(hashOf(large.subarray(1_000, 2_000_000)))
      expect((await one.request('/store/part.bin', { method: 'DELETE' })).status).toBe(204)
    })
  })

  describe('on other ways', () => {
    test('a Unix socket in the place of the port', async () => {
      const one = client({ base: 'http://ship.example/', unix: nginx.socket })
      const response = await one.request('/page.html')
      expect(response.remoteAddress).toEqual({ kind: 'unix', path: nginx.socket })
      expect(await response.text()).toBe(page)
      const folder = await one.request('/folder')
      expect(folder.url).toBe('http://ship.example/folder/')
      expect(placeOf(folder)[1]).toBe(3)
    })

    test('TLS, with an authority that we believe', async () => {
      const one = client({ base: `https://127.0.0.1:${nginx.ports.tls}`, tls: { ca } })
      const response = await one.request('/large.bin')
      expect(response.tls).toMatchObject({ authorized: true, alpn: 'http/1.1' })
      expect(hashOf(await response.bytes())).toBe(hashOf(large))
      const stored = await one.request('/store/tls.bin', { method: 'PUT', body: large })
      expect([stored.status, stored.reused]).toEqual([201, true])
      expect(hashOf(readFileSync(join(nginx.folder, 'store', 'tls.bin')))).toBe(hashOf(large))
    })

    test('TLS, with one that we do not: nothing is sent', async () => {
      const error = await errorOf(client({ base: `https://127.0.0.1:${nginx.ports.tls}` }).request('/'))
      expect(error).toMatchObject({ phase: 'tls', bytesWritten: 0 })
      expect(error.peer).toMatchObject({ port: nginx.ports.tls })
      expect(error.message).toMatch(/certificate/i)
    })

    test('plain HTTP where TLS is spoken is answered, and TLS where it is not is none', async () => {
      const response = await client().request(`http://127.0.0.1:${nginx.ports.tls}/small.txt`)
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('plain HTTP request was sent to HTTPS port')
      const error = await errorOf(client().request(`https://127.0.0.1:${nginx.ports.plain}/small.txt`))
      expect(error).toMatchObject({ phase: 'tls', bytesWritten: 0 })
    })

    test('nginx as the proxy: plain HTTP by the whole URL', async () => {
      const one = client({ proxy: `http://127.0.0.1:${nginx.ports.forward}` })
      const response = await one.request('/page.html')
      expect(response.headers.get('x-forward')).toBe('GET')
      expect(response.url).toBe(`${url}page.html`)
      expect(await response.text()).toBe(page)
      const other = await one.request(`http://127.0.0.1:${nginx.ports.other}/small.txt`)
      expect([await other.text(), other.reused]).toEqual(['ahoy', true])
    })

    test('nginx as the proxy: it makes no tunnels, and the error says what it said', async () => {
      const one = client({ proxy: `http://127.0.0.1:${nginx.ports.forward}`, tls: { ca } })
      const error = await errorOf(one.request(`https://127.0.0.1:${nginx.ports.tls}/small.txt`))
      expect(error.message).toMatch(/40[05]/)
      expect(error.bytesWritten).toBe(0)
    })

    test('HTTPS to nginx through a tunnel', async () => {
      const { server, port, asked } = await tunnels()
      try {
        const one = client({ proxy: `http://alice:word@127.0.0.1:${port}`, tls: { ca } })
        const secure = `https://127.0.0.1:${nginx.ports.tls}/`
        const response = await one.request(`${secure}large.bin`)
        expect(response.tls).toMatchObject({ authorized: true })
        expect(hashOf(await response.bytes())).toBe(hashOf(large))
        const next = await one.request(`${secure}who`)
        expect([await next.text(), next.reused]).toEqual(['GET  ', true])
        expect(asked).toHaveLength(1)
        expect(asked[0]).toContain(`Proxy-Authorization: Basic ${btoa('alice:word')}\r\n`)
        await one.close()
      } finally {
        server.close()
      }
    })
  })
})

async function* piecesOf(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000)
}

/** What `value` is when it no longer changes. */
async function settled(value: () => number): Promise<number> {
  let last = NaN
  for (let same = 0; same < 5;) {
    const now = value()
    same = now === last ? same + 1 : 0
    last = now
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return last
}
