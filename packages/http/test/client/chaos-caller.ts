import { getEventListeners } from 'node:events'

import {
  Client,
  type IncomingResponse,
  type RequestBody,
  RequestError,
  type RequestOptions,
} from '../../src/index.ts'
import { contentFor, turns } from './chaos-server.ts'

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** One request of a caller who does with it whatever comes to its mind. */
export class ChaosCall {
  readonly token: string
  method: string
  readonly controller = new AbortController()
  /** What was read of the answer, and whether that was all of it. */
  read = ''
  whole = false
  status = 0
  error: unknown
  over = false
  /** The caller stands still itself, so that no time of the client's can end it. */
  still = false
  /** Streams that were given, and those of them that ended or were let go of. */
  streams = 0
  released = 0
  callbacks = 0
  /** An interceptor throws before anybody takes its body. */
  untaken = false
  /** What it is at, for whoever looks for what went wrong. */
  stage = 'asking'
  readonly #client: Client
  readonly #roll: () => number
  readonly #again: () => void

  constructor(client: Client, token: string, roll: () => number, again: () => void) {
    this.#client = client
    this.token = token
    this.#roll = roll
    this.#again = again
    this.method = ['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'][
      Math.floor(roll() * 11)
    ]!
  }

  get idempotent(): boolean {
    return idempotent.has(this.method)
  }

  get listeners(): number {
    return getEventListeners(this.controller.signal, 'abort').length
  }

  async run(): Promise<void> {
    const roll = this.#roll
    if (roll() < 0.15) void turns(Math.floor(roll() * 12)).then(() => this.controller.abort(this))
    try {
      const way = roll()
      const path = `/${this.token}?key=s3cret`
      if (way < 0.05) await this.#upgrade(path)
      else if (way < 0.2) await this.#fetch(path)
      else await this.#consume(await this.#client.request(path, this.#options()))
    } catch (error) {
      this.error = error
    }
    this.over = true
  }

  #options(): RequestOptions {
    const roll = this.#roll
    const options: RequestOptions = { method: this.method, signal: this.controller.signal }
    if (this.method === 'POST' || this.method === 'PUT' || this.method === 'PATCH') {
      options.body = this.#body()
      if (roll() < 0.2) options.expectContinue = true
      if (roll() < 0.1) options.trailers = () => this.#evil() ?? { 'X-Trailer': 'yes' }
    }
    if (roll() < 0.2) options.onUpload = () => this.#evil()
    if (roll() < 0.2) options.onDownload = () => this.#evil()
    if (roll() < 0.2) options.onInform = () => this.#evil()
    if (roll() < 0.2) options.redirects = Math.floor(roll() * 3)
    return options
  }

  /** What a callback may do. */
  #evil(): undefined {
    const roll = this.#roll
    this.callbacks++
    const mood = roll()
    if (mood < 0.1) throw new Error('by a callback')
    if (mood < 0.2) this.controller.abort(this)
    else if (mood < 0.35) this.#again()
    else if (mood < 0.45) return Promise.reject(new Error('by a callback, later')) as never
    return undefined
  }

  #body(): RequestBody | null {
    const roll = this.#roll
    const kind = roll()
    if (kind < 0.3) return 'some text'
    if (kind < 0.4) return Buffer.alloc(100_000, 'bytes')
    if (kind < 0.5) return new Blob(['a blob'])
    if (kind < 0.55) return null
    this.streams++
    const pieces = Math.floor(roll() * 6)
    const end = roll()
    const pace = roll()
    const next = async (at: number): Promise<Buffer | undefined> => {
      if (pace < 0.5) await turns(1)
      if (at < pieces) return Buffer.alloc(Math.floor(roll() * 30_000), 's')
      if (end < 0.15) throw new Error('by the source')
      if (end < 0.25) {
        this.still = true
        await new Promise(() => {})
      }
      return undefined
    }
    let released = false
    const release = (): void => {
      if (!released) this.released++
      released = true
    }
    let at = 0
    if (roll() < 0.5) {
      return new ReadableStream<Uint8Array>({
        async pull(controller) {
          try {
            const piece = await next(at++)
            if (piece) return controller.enqueue(piece)
            release()
            controller.close()
          } catch (error) {
            release()
            throw error
          }
        },
        cancel: release,
      })
    }
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          try {
            const value = await next(at++)
            if (value) return { value, done: false as const }
            release()
            return { value: undefined, done: true as const }
          } catch (error) {
            release()
            throw error
          }
        },
        return: () => {
          release()
          return Promise.resolve({ value: undefined, done: true as const })
        },
      }),
    }
  }

  async #consume(got: IncomingResponse): Promise<void> {
    const roll = this.#roll
    this.status = got.status
    if (roll() < 0.2) await turns(Math.floor(roll() * 8))
    const way = roll()
    this.stage = `reading ${way.toFixed(2)} of ${got.status}`
    if (way < 0.35) this.read = await got.text()
    else if (way < 0.45) this.read = Buffer.from(await got.bytes(roll() < 0.2 ? 10 : undefined)).toString()
    else if (way < 0.55) for await (const chunk of got) this.read += Buffer.from(chunk).toString()
    else if (way < 0.62) {
      for await (const chunk of got) {
        this.read += Buffer.from(chunk).toString()
        return
      }
    } else if (way < 0.7) return got.discard()
    else if (way < 0.76) {
      const reader = got.stream().getReader()
      this.read += Buffer.from((await reader.read()).value ?? []).toString()
      return reader.cancel()
    } else if (way < 0.8) {
      const text = got.text()
      text.catch(() => {})
      got.discard()
      this.read = await text
    } else if (way < 0.84) {
      const text = got.text()
      void got.body
      this.read = await text
    } else if (way < 0.88) {
      return new Promise((resolve, reject) => {
        got.body.handle({
          onData() {
            throw new Error('by the reader')
          },
          onEnd: resolve,
          onClose: reject,
        })
        // Where nothing comes, nothing is thrown.
        void turns(400).then(resolve)
      })
    } else if (way < 0.9) return
    else for await (const chunk of got.stream()) this.read += Buffer.from(chunk).toString()
    this.whole = true
  }

  async #fetch(path: string): Promise<void> {
    const roll = this.#roll
    const { method } = this
    const init: RequestInit = { method, signal: this.controller.signal }
    if (method === 'POST' || method === 'PUT') init.body = 'some text'
    const got = await this.#client.fetch(path, init)
    this.status = got.status
    if (roll() < 0.1) return got.body?.cancel()
    if (roll() < 0.2) {
      const clone = got.clone()
      const [one, other] = await Promise.all([got.text(), clone.text()])
      if (one !== other) throw new Error('a clone is not what it was cloned from')
      this.read = one
    } else this.read = await got.text()
    this.whole = true
  }

  async #upgrade(path: string): Promise<void> {
    this.method = 'GET'
    const { response, connection, head } = await this.#client.upgrade(path, {
      protocol: 'odd',
      signal: this.controller.signal,
    })
    if (connection === undefined) return this.#consume(response)
    this.read = Buffer.from(head).toString()
    connection.destroy()
  }

  /** What is wrong with how it ended, if anything is. */
  violation(lied: boolean, processed: number, known: (token: string) => boolean): string | undefined {
    const { token, method, read, whole, status, error, idempotent: twice } = this
    const others = (read.match(/t[0-9]+x[0-9]+z/g) ?? []).filter((found) => found !== token && known(found))
    if (others.length > 0 || (!lied && read.includes('stray')))
      return `${token} was given ${read.slice(0, 80)}`
    if (whole && !lied && status === 200 && read !== (method === 'HEAD' ? '' : contentFor(token))) {
      const repeated = contentFor(token).repeat(8_000)
      if (read !== repeated) return `${token} was given ${read.length} bytes: ${read.slice(0, 80)}`
    }
    if (!this.untaken && !String(error).includes('Cannot request') && this.released < this.streams)
      return `${token} left a stream open: ${this.stage} ${String(error)}`
    if (this.listeners > 0) return `${token} left ${this.listeners} listeners on its signal`
    if (error instanceof RequestError) {
      // Behind a redirect it is another request that failed.
      const same = error.method === method && !error.url.includes('other.example')
      if (same && error.retryable && !twice && processed > 0)
        return `${token} was processed, and is said to be safe: ${error.message}`
      for (let at: unknown = error; at instanceof Error; at = at.cause) {
        if (`${at.message}${at.stack}`.includes('s3cret')) return `${token} told a secret: ${at.message}`
      }
    }
    return undefined
  }
}
