import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

import { Program } from '@fairlead/harness'
import { Client, type IncomingResponse, RequestError } from '@fairlead/http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

const page = '<p>The quick brown fox jumps over the lazy dog.</p>\n'.repeat(2_000)

/** How a connection is cut, and behind how many bytes of each direction. */
interface Cut {
  readonly how: 'ended' | 'reset'
  readonly up: number
  readonly down: number
}

/** The link to a server. The next connections are cut as `cuts` say, one after the other; what comes then is not. */
class Link {
  readonly cuts: Cut[] = []
  readonly #server: Server
  /** Bytes that the last connection carried. */
  up = 0
  down = 0

  constructor(target: number) {
    this.#server = createServer((near) => {
      const cut = this.cuts.shift()
      const far = connect(target, '127.0.0.1')
      this.up = this.down = 0
      near.on('error', () => far.destroy()).on('close', () => far.destroy())
      far.on('error', () => near.destroy()).on('end', () => near.end())
      near.on('data', (chunk: Buffer) => {
        if (cut && this.up + chunk.length > cut.up) {
          far.write(chunk.subarray(0, cut.up - this.up), () => far.destroy())
          end(near, cut)
        } else {
          this.up += chunk.length
          far.write(chunk)
        }
      })
      far.on('data', (chunk: Buffer) => {
        if (cut && this.down + chunk.length > cut.down) {
          near.write(chunk.subarray(0, cut.down - this.down), () => end(near, cut))
          far.destroy()
        } else {
          this.down += chunk.length
          near.write(chunk)
        }
      })
    })
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
  }
}

function end(near: Socket, { how }: Cut): void {
  if (how === 'reset') near.resetAndDestroy()
  else near.destroySoon()
}

/** The same numbers each time, from 0 up to below 1. */
function numbers(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
}

describe.each(['own', 'node'])('24 a link to a server (%s) that is cut', (kind) => {
  let link: Link
  let base = ''
  let client: Client
  let ask: (path: string, attempt?: object) => Promise<IncomingResponse>

  beforeAll(async () => {
    const server = Program.start(new URL('../programs/client-peer.mjs', import.meta.url), [kind])
    const [port] = await server.prints(/^listening on .*:(\d+)$/gm)
    link = new Link(Number(port))
    base = `http://127.0.0.1:${await link.listen()}/`
  })

  function fresh(): void {
    client = new Client({ base })
    ask = (path, options) => client.request(path, options)
  }

  afterEach(async () => {
    expect(client.stats().active).toBe(0)
    await client.close()
  })

  afterAll(async () => {
    link.close()
    await Program.killAll()
  })

  describe.each(['/page', '/pieces', '/zipped?gzip', '/zipped?br'])('in the answer to %s', (path) => {
    test.each(['ended', 'reset'] as const)('at any byte (%s): it is whole, or an error', async (how) => {
      fresh()
      const whole = await (await ask(path)).text()
      expect(whole).toBe(page)
      const size = link.down
      await client.close()
      const random = numbers(1)
      const near = [0, 1, 2, size - 6, size - 5, size - 4, size - 3, size - 2, size - 1, size]
      const all = [...near, ...Array.from({ length: 60 }, () => Math.floor(random() * size))]
      for (const [index, down] of all.entries()) {
        // Half of them in the head, of which the length changes by the clock.
        const at = index % 2 === 0 || index < near.length ? down : down % 250
        fresh()
        link.cuts.push({ how, up: Infinity, down: at })
        const error = await reading(ask(path), index % 3 === 0)
        if (at >= size) expect(error).toBe(undefined)
        else {
          expect(error, `cut behind ${at} of ${size}`).toBeInstanceOf(RequestError)
          const { code, phase, retryable, attempts } = error as RequestError
          expect(code).toMatch(/^ERR_FAIRLEAD_[A-Z_]+$/)
          expect(phase).toBeOneOf(['headers', 'body'])
          // Something came of it.
          expect(retryable).toBe(at === 0 || (how === 'reset' && retryable && phase === 'headers'))
          expect(attempts).toBe(1)
        }
        expect(client.stats().active).toBe(0)
        await client.close()
      }
      fresh()
    })
  })

  test.each(['ended', 'reset'] as const)(
    'behind other answers (%s): a GET of which nothing came is sent once more, and has its own answer',
    async (how) => {
      fresh()
      await (await ask('/echo?first')).text()
      const size = link.down
      await client.close()
      let retried = 0
      const random = numbers(2)
      for (let count = 0; count < 60; count++) {
        fresh()
        const into = count % 3 === 0 ? 0 : Math.floor(random() * size)
        link.cuts.push({ how, up: Infinity, down: size + into })
        await (await ask('/echo?first')).text()
        const answered = await answerTo(ask('/echo?again'))
        // What came before a reset may be lost with it.
        if (how === 'ended') expect(answered instanceof RequestError).toBe(into > 0)
        if (answered instanceof RequestError) {
          expect(into).toBeGreaterThan(0)
          expect(answered).toMatchObject({ reused: true, attempts: 1 })
        } else {
          expect(JSON.parse(answered.text)).toMatchObject({ target: '/echo?again' })
          expect(answered.response).toMatchObject({ attempts: 2, reused: false })
          retried++
        }
        await client.close()
      }
      fresh()
      expect(retried).toBeGreaterThanOrEqual(20)
    },
  )

  test.each(['ended', 'reset'] as const)(
    'in a request (%s): a POST fails, and nobody is told that it was not processed',
    async (how) => {
      const random = numbers(3)
      for (let count = 0; count < 60; count++) {
        fresh()
        const up = Math.floor(random() * 300_000)
        link.cuts.push({ how, up, down: Infinity })
        const body = count % 2 === 0 ? new Uint8Array(300_000) : piecesOf(300_000)
        const error = await reading(ask('/echo', { method: 'POST', body }), false)
        expect(error).toBeInstanceOf(RequestError)
        const { retryable, bytesWritten, phase } = error as RequestError
        expect(phase).toBeOneOf(['write', 'headers'])
        expect(retryable).toBe(false)
        expect(bytesWritten).toBeGreaterThan(0)
        expect(client.stats()).toMatchObject({ active: 0, failed: 1, retries: 0 })
        await client.close()
      }
      fresh()
    },
  )
})

async function answerTo(
  asked: Promise<IncomingResponse>,
): Promise<{ response: IncomingResponse; text: string } | RequestError> {
  try {
    const response = await asked
    return { response, text: await response.text() }
  } catch (error) {
    if (error instanceof RequestError) return error
    throw error
  }
}

/** What reading an answer to its end fails with, if it does; what comes of it is right in any case. */
async function reading(asked: Promise<IncomingResponse>, iterating: boolean): Promise<unknown> {
  let text = ''
  try {
    const response = await asked
    if (iterating) for await (const chunk of response) text += Buffer.from(chunk).toString('latin1')
    else text = await response.text()
    expect(text === page).toBe(true)
    return undefined
  } catch (error) {
    expect(page.startsWith(text)).toBe(true)
    return error
  }
}

async function* piecesOf(size: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; sent += 10_000) yield new Uint8Array(10_000)
}
