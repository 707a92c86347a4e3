import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'

import { BusyError, LimitError } from '@fairlead/core'
import type { IncomingResponse, RequestBody } from '@fairlead/http'

import { feature, type Feature } from '../check.ts'
import { freshPath } from '../fixtures/unix.ts'
import { failureOf, soon, turn, until } from '../wait.ts'
import { client, raw, requestErrorOf, said, standing } from './client-meeting.ts'
import { Gate, open, pattern, pieces, serve } from './meeting.ts'

const megabyte = pattern(1024 * 1024)

function digest(...pieces_: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const piece of pieces_) hash.update(piece)
  return hash.digest('hex')
}

export const clientBodyFeatures: readonly Feature[] = [
  feature('a body of whatever kind is sent whole, with its length where that is known', async (broom) => {
    const served = await open(broom, async (exchange) => {
      const { headers, body } = exchange.request
      const framing = headers.get('content-length') ?? headers.get('transfer-encoding')
      await exchange.respond(200, { 'X-Framing': framing ?? 'none' }, await body.text())
    })
    const path = freshPath()
    await writeFile(path, '<größer>')
    const bytes = Buffer.from('größer')
    const kinds: Record<string, [() => RequestBody, string]> = {
      text: [() => 'größer', '8'],
      bytes: [() => new Uint8Array(bytes), '8'],
      'a view of more': [() => Buffer.from('<größer>').subarray(1, -1), '8'],
      'a buffer': [() => new Uint8Array(bytes).buffer, '8'],
      'a blob': [() => new Blob(['grö', 'ßer']), '8'],
      'a file': [() => ({ file: path, start: 1, end: 9 }), '8'],
      'a generator': [() => pieces('grö', 'ßer'), 'chunked'],
      'a web stream': [() => new Blob(['grö', 'ßer']).stream(), 'chunked'],
      'a Node stream': [() => Readable.from([Buffer.from('grö'), Buffer.from('ßer')]), 'chunked'],
    }
    try {
      const asking = client(broom, served, { maxConnections: 1 })
      for (const [kind, [body, framing]] of Object.entries(kinds)) {
        const got = await soon(asking.request('/', { method: 'PUT', body: body() }), `${kind} is sent`)
        assert.deepEqual([kind, await got.text(), got.headers.get('x-framing')], [kind, 'größer', framing])
      }
      const got = await asking.request('/', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
      assert.deepEqual([await got.text(), got.headers.get('x-framing')], ['a=b+c', '5'])
      assert.equal(served.server.stats().connections?.accepted, 1)
    } finally {
      await rm(path)
    }
  }),

  feature('a form is sent with its files', async (broom) => {
    const served = await serve(broom, async (request) => {
      const form = await request.formData()
      const file = form.get('file') as File
      const told = `${form.get('note') as string} ${file.name} ${file.type} ${await file.text()}`
      return new Response(`${request.headers.has('content-length')} ${told}`)
    })
    const form = new FormData()
    form.set('note', 'größer')
    form.set('file', new Blob(['contents'], { type: 'image/png' }), 'ä b.png')
    const got = await client(broom, served).request('/', { body: form })
    assert.equal(await got.text(), 'true größer ä b.png image/png contents')
  }),

  feature('an answer is taken as text, bytes, JSON or a stream, iterated or handled', async (broom) => {
    const decoder = new TextDecoder()
    const gathered = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
      let text = ''
      for await (const chunk of chunks) text += decoder.decode(chunk)
      return text
    }
    const readers: ((got: IncomingResponse) => Promise<string>)[] = [
      (got) => got.text(),
      async (got) => decoder.decode(await got.bytes()),
      async (got) => JSON.stringify(await got.json()),
      (got) => gathered(got),
      (got) => gathered(got.body),
      (got) => gathered(got.stream()),
      (got) => new Response(got.stream()).text(),
      (got) =>
        new Promise((resolve) => {
          let text = ''
          got.body.handle({
            onData: (chunk) => void (text += decoder.decode(chunk)),
            onEnd: () => resolve(text),
          })
        }),
    ]
    const served = await open(broom, (exchange) =>
      exchange.respond(200, {}, exchange.request.target === '/whole' ? '["a"]' : pieces('[', '"a"', ']')),
    )
    const asking = client(broom, served)
    for (const target of ['/whole', '/pieces']) {
      for (const [index, read] of readers.entries()) {
        const got = await asking.request(target)
        assert.deepEqual([index, await soon(read(got), 'it is read'), got.bodyUsed], [index, '["a"]', true])
        assert.ok((await failureOf(got.bytes(), 'a second reader')) instanceof BusyError)
      }
    }
  }),

  feature('a server that does not read holds the body up; then it gets all of it', async (broom) => {
    const gate = new Gate()
    const served = await open(
      broom,
      async (exchange) => {
        await gate.opened
        const hash = createHash('sha256')
        for await (const chunk of exchange.request.body) hash.update(chunk)
        await exchange.respond(200, {}, hash.digest('hex'))
      },
      { maxBodySize: Infinity },
    )
    const asking = client(broom, served)
    const count = 48
    const whole = digest(...Array<Uint8Array>(count).fill(megabyte))
    const kinds: ((made: () => void) => RequestBody)[] = [
      async function* (made) {
        for (let at = 0; at < count; at++) {
          made()
          yield megabyte
        }
      },
      (made) => {
        let at = 0
        const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
          made()
          controller.enqueue(megabyte)
          if (++at === count) controller.close()
        }
        return new ReadableStream({ pull }, { highWaterMark: 0 })
      },
    ]
    const counts: number[] = []
    const asked = kinds.map((kind, at) => {
      counts.push(0)
      const body = kind(() => void counts[at]!++)
      return asking.request('/', { method: 'PUT', body })
    })
    await until(() => served.server.stats().requests === asked.length, 'they are asked')
    await turn(400)
    // What stands in the buffers of the system between the two counts, too.
    assert.ok(
      counts.every((made) => made < 24),
      `${counts.join(' and ')} MiB were taken`,
    )
    gate.open()
    for (const got of await soon(Promise.all(asked), 'they are answered'))
      assert.equal(await got.text(), whole)
  }),

  feature(
    'an answer that nobody reads is not taken from the server; then all of it is there',
    async (broom) => {
      const served = await open(broom, (exchange) =>
        exchange.respond(
          200,
          {},
          (async function* () {
            for (let made = 0; made < 24; made++) yield megabyte
          })(),
        ),
      )
      const whole = digest(...Array<Uint8Array>(24).fill(megabyte))
      const asking = client(broom, served)
      const readers: ((got: IncomingResponse) => AsyncIterable<Uint8Array>)[] = [
        (got) => got,
        (got) => got.stream(),
      ]
      for (const read of readers) {
        const before = asking.stats().bytesIn
        const got = await asking.request('/')
        const chunks = read(got)
        await turn(200)
        const taken = asking.stats().bytesIn - before
        assert.ok(taken < 1024 * 1024, `${taken} bytes were taken`)
        const hash = createHash('sha256')
        const reading = async (): Promise<void> => {
          for await (const chunk of chunks) hash.update(chunk)
        }
        await soon(reading(), 'it is read')
        assert.equal(hash.digest('hex'), whole)
      }
      assert.equal(served.server.stats().connections?.accepted, 1)
    },
  ),

  feature('who wants no more of an answer frees its connection', async (broom) => {
    const served = await open(broom, (exchange) => {
      if (exchange.request.target === '/short') return exchange.respond(200, {}, 'ahoy')
      return exchange.respond(
        200,
        {},
        (async function* () {
          for (;;) {
            yield megabyte
            await turn()
          }
        })(),
      )
    })
    const asking = client(broom, served)
    const leave: ((got: IncomingResponse) => unknown)[] = [
      (got) => got.discard(),
      (got) => got.stream().cancel(),
      async (got) => {
        for await (const chunk of got) {
          assert.ok(chunk.length > 0)
          break
        }
        got.discard()
      },
    ]
    for (const each of leave) {
      await each(await asking.request('/'))
      await until(() => served.server.connections.size === 0, 'its connection is gone')
    }
    assert.deepEqual(standing(asking), { connections: 0, idle: 0, connecting: 0, queued: 0 })
    ;(await asking.request('/short')).discard()
    const again = await asking.request('/short')
    assert.deepEqual([again.reused, await again.text()], [true, 'ahoy'])
  }),

  feature('an answer that is too large is cut off', async (broom) => {
    const served = await open(broom, (exchange) =>
      exchange.respond(200, {}, pieces('x'.repeat(60), 'x'.repeat(60))),
    )
    const asking = client(broom, served)
    const tooLarge = await failureOf((await asking.request('/')).text(100), 'the text')
    assert.ok(tooLarge instanceof LimitError, String(tooLarge))
    const limited = client(broom, served, { maxBodySize: 100 })
    const reading = limited.request('/').then((got) => got.bytes())
    assert.equal((await requestErrorOf(reading)).code, 'ERR_FAIRLEAD_LIMIT')
    await until(() => served.server.connections.size === 0, 'the connections are gone')
  }),

  feature('an answer that is cut off never looks whole', async (broom) => {
    const answers: Record<string, string> = {
      '/length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
      '/chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      '/last': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n',
    }
    const server = await raw(broom, ({ target }, { connection }) => {
      connection.write(answers[target]!)
      connection.end()
    })
    const asking = client(broom, server)
    for (const target of Object.keys(answers)) {
      const got = await asking.request(target)
      const error = await requestErrorOf(got.text())
      assert.deepEqual(
        [target, error.code, error.phase, error.retryable, got.complete],
        [target, 'ERR_FAIRLEAD_HTTP_TRUNCATED', 'body', false, false],
      )
    }
  }),

  feature('an answer that comes early ends the body', async (broom) => {
    const released = new Gate()
    const server = await raw(broom)
    const asked = client(broom, server).request('/', {
      method: 'PUT',
      body: (async function* () {
        try {
          for (;;) {
            yield megabyte.subarray(0, 1024)
            await turn()
          }
        } finally {
          released.open()
        }
      })(),
    })
    await until(() => server.peers[0]?.text.includes('\r\n\r\n') ?? false, 'the head comes')
    server.peers[0]!.write(said('413 Content Too Large', 'enough', 'Connection: close'))
    const got = await soon(asked, 'it is answered')
    assert.deepEqual([got.status, await got.text()], [413, 'enough'])
    await soon(released.opened, 'the body is let go of')
    await server.deserted()
  }),

  feature('progress is told, both ways', async (broom) => {
    const served = await open(broom, async (exchange) =>
      exchange.respond(200, {}, await exchange.request.body.bytes(megabyte.length)),
    )
    const seen: Record<'up' | 'down', [number, number | undefined][]> = { up: [], down: [] }
    const got = await client(broom, served).request('/', {
      body: megabyte,
      onUpload: ({ bytes, total }) => void seen.up.push([bytes, total]),
      onDownload: ({ bytes, total }) => void seen.down.push([bytes, total]),
    })
    assert.equal(digest(await got.bytes()), digest(megabyte))
    for (const told of [seen.up, seen.down]) {
      assert.deepEqual(told.at(-1), [megabyte.length, megabyte.length])
      assert.deepEqual(
        told,
        told.toSorted(([one], [other]) => one - other),
      )
    }
  }),

  feature('an answer becomes a file, whole or not at all', async (broom) => {
    const served = await open(
      broom,
      (exchange) =>
        exchange.respond(
          200,
          {},
          (async function* () {
            yield megabyte
            await turn()
            if (exchange.request.target === '/fails') throw new Error('flooded')
            yield megabyte
          })(),
        ),
      { onError: () => {} },
    )
    const asking = client(broom, served)
    const path = freshPath()
    await assert.rejects((await asking.request('/fails')).toFile(path))
    await assert.rejects(readFile(path), { code: 'ENOENT' })
    try {
      const saved = await (await asking.request('/')).toFile(path, { digest: 'sha256' })
      assert.deepEqual([saved.size, saved.digest], [2 * megabyte.length, digest(megabyte, megabyte)])
      assert.equal(digest(await readFile(path)), saved.digest)
      await assert.rejects((await asking.request('/')).toFile(path), { code: 'ERR_FAIRLEAD_FILE_EXISTS' })
      const other = { overwrite: true, expected: digest(megabyte) }
      await assert.rejects((await asking.request('/')).toFile(path, other), {
        code: 'ERR_FAIRLEAD_FILE_DIGEST',
      })
      assert.equal((await readFile(path)).length, saved.size)
    } finally {
      await rm(path)
    }
  }),
]
