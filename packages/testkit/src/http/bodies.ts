import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'

import { SocketError } from '@fairlead/core'

import { feature, type Feature } from '../check.ts'
import { failureOf, quiet, soon, turn, until } from '../wait.ts'
import { ask, Gate, head, open, pattern, pieces, wire } from './meeting.ts'

const large = pattern(4 * 1024 * 1024)

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export const bodyFeatures: readonly Feature[] = [
  feature('a body is iterated, collected or handled, whatever frames it', async (broom) => {
    const served = await open(broom, async (exchange) => {
      const { body, target } = exchange.request
      let text = ''
      if (target === '/collected') text = await body.text()
      else if (target === '/iterated') for await (const chunk of body) text += Buffer.from(chunk).toString()
      else {
        await new Promise<void>((resolve) =>
          body.handle({ onData: (chunk) => void (text += Buffer.from(chunk).toString()), onEnd: resolve }),
        )
      }
      await exchange.respond(200, {}, `${text} ${body.complete}`)
    })
    const client = await wire(broom, served)
    for (const target of ['/collected', '/iterated', '/handled']) {
      client.write(head(`POST ${target}`, 'Content-Length: 4') + 'ahoy')
      client.write(
        head(`POST ${target}`, 'Transfer-Encoding: chunked') + '1\r\na\r\n3;x=y\r\nhoy\r\n0\r\n\r\n',
      )
    }
    assert.deepEqual(
      (await client.answers(6)).map(({ body }) => body),
      Array(6).fill('ahoy true'),
    )
  }),

  feature('trailers are read, and sent to whoever wants them', async (broom) => {
    const served = await open(broom, async (exchange) => {
      const { body } = exchange.request
      const text = await body.text()
      const trailers = (): Record<string, string> => ({ 'X-Sum': `${text}-${body.trailers?.get('x-sum')}` })
      await exchange.respond(200, {}, pieces('a', 'b'), { trailers })
    })
    const client = await wire(broom, served)
    const chunked = ['Transfer-Encoding: chunked', 'Connection: TE', 'TE: trailers']
    client.write(head('POST /', ...chunked) + '4\r\nahoy\r\n0\r\nX-Sum: 42\r\n\r\n' + head('GET /'))
    const [first, second] = await client.answers(2)
    assert.deepEqual([first?.body, first?.trailers?.get('x-sum')], ['ab', 'ahoy-42'])
    assert.deepEqual([second?.body, second?.trailers], ['ab', undefined])
  }),

  feature('answers are text, bytes, generators, web streams and Node streams', async (broom) => {
    const bodies = {
      '/text': () => 'größer',
      '/bytes': () => Buffer.from('größer'),
      '/generator': () => pieces('grö', 'ßer'),
      '/web': () => new Blob(['grö', 'ßer']).stream(),
      '/node': () => Readable.from([Buffer.from('grö'), Buffer.from('ßer')]),
    }
    const served = await open(broom, (exchange) =>
      exchange.respond(200, {}, bodies[exchange.request.target as keyof typeof bodies]()),
    )
    const client = await wire(broom, served)
    const targets = Object.keys(bodies)
    client.write(targets.map((target) => head(`GET ${target}`)).join(''))
    const answers = await client.answers(targets.length)
    for (const { body } of answers) assert.equal(Buffer.from(body, 'latin1').toString(), 'größer')
  }),

  feature('an answer in pieces is chunked, and ends the connection of HTTP/1.0', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(200, {}, pieces('a', 'b', 'c')))
    const client = await wire(broom, served)
    client.write(head('GET /'))
    const [answer] = await client.answers(1)
    assert.deepEqual([answer?.body, answer?.fields.get('transfer-encoding')], ['abc', 'chunked'])
    const old = await wire(broom, served)
    old.write('GET / HTTP/1.0\r\n\r\n')
    assert.match(await old.toEnd(), /\r\n\r\nabc$/)
  }),

  feature('100 is said when somebody reads, and not before', async (broom) => {
    const gate = new Gate()
    const served = await open(broom, async (exchange) => {
      if (exchange.request.target === '/no') return exchange.respond(403)
      await gate.opened
      await exchange.respond(200, {}, await exchange.request.body.text())
    })
    const expecting = ['Content-Length: 4', 'Expect: 100-continue']
    const client = await wire(broom, served)
    client.write(head('POST /', ...expecting))
    await quiet()
    assert.equal(client.text, '')
    gate.open()
    await client.heard('\r\n\r\n')
    assert.equal(client.text, 'HTTP/1.1 100 Continue\r\n\r\n')
    client.write('ahoy')
    assert.equal((await client.answers(2))[1]?.body, 'ahoy')
    const [refused] = await ask(broom, served, head('POST /no', ...expecting))
    assert.deepEqual([refused?.status, refused?.fields.get('connection')], [403, 'close'])
  }),

  feature('nobody reads, and the client has to wait; then all of it is there', async (broom) => {
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
    const client = await wire(broom, served)
    // More than the system's buffers between the two hold.
    const times = 4
    const whole = Buffer.concat(Array<Uint8Array>(times).fill(large))
    client.write(head('PUT /', `Content-Length: ${whole.length}`))
    const sent = client.connection.send(whole).catch(() => {})
    await until(() => served.server.stats().requests === 1, 'it is asked')
    await turn(200)
    assert.ok(
      served.server.stats().bytesIn < 2 * 1024 * 1024,
      `${served.server.stats().bytesIn} bytes were read`,
    )
    gate.open()
    await soon(sent, 'all is sent')
    assert.equal((await client.answers(1))[0]?.body, digest(whole))
  }),

  feature('a client that does not read holds its answer up, and gets all of it', async (broom) => {
    let made = 0
    const served = await open(broom, (exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          for (; made < 24; made++) yield large.subarray(0, 1024 * 1024)
        })(),
      ),
    )
    const client = await wire(broom, served)
    client.connection.pause()
    client.write(head('GET /', 'Connection: close'))
    await until(() => made > 0, 'it is asked')
    await turn(200)
    const early = made
    assert.ok(early < 16, `${early} MiB were made for nobody`)
    client.connection.resume()
    await client.toEnd()
    const [answer] = await client.answers(1)
    assert.equal(answer?.body.length, 24 * 1024 * 1024)
  }),

  feature('an answer before the end of a large body reaches a client that still sends', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(409, {}, 'enough'))
    const client = await wire(broom, served)
    client.write(head('PUT /', `Content-Length: ${large.length}`))
    client.connection.send(large).catch(() => {})
    await client.heard('enough')
    await client.toEnd()
    const [answer] = await client.answers(1)
    assert.deepEqual([answer?.status, answer?.fields.get('connection')], [409, 'close'])
  }),

  feature('a body that the client cuts off is an error for its reader', async (broom) => {
    const failed = new Gate()
    let error: unknown
    const served = await open(broom, async (exchange) => {
      error = await failureOf(exchange.request.body.bytes(), 'the body')
      failed.open()
    })
    const client = await wire(broom, served)
    client.write(head('PUT /', 'Content-Length: 10') + 'half')
    await until(() => served.server.stats().requests === 1, 'it is asked')
    client.connection.destroy()
    await soon(failed.opened, 'the reader hears of it')
    assert.ok(error instanceof SocketError, String(error))
  }),
]
