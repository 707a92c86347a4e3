import { BrokenError, BusyError, ClosedError, type CloseReason, type ConnectionHandler } from '@fairlead/core'
import { Fifo } from '@fairlead/core/transport'
import { Dicer } from '@fastify/busboy'

import { dispositionOf } from './disposition.ts'
import { checkLimit } from './limits.ts'
import type { FormLimits } from './options.ts'
import { PartSource } from './part-source.ts'
import { Part, type PartHeader } from './part.ts'
import { refused } from './refused.ts'
import type { TakenBody } from './request-body.ts'

/** What a parser keeps of the header of a part, as a multiple of what it may have: so what is cut is seen to be. */
const margin = 4

/** A part that nobody has been given yet, and where its bytes come from. */
interface Arrived {
  readonly part: Part
  readonly source: PartSource
}

interface Waiter {
  resolve(result: IteratorResult<Part, undefined>): void
  reject(error: unknown): void
}

const passed = (): ClosedError => new ClosedError('Cannot read part: the next one was asked for')

const headless = (): Error => refused('a part of the form has no end of its header')

const nothingYet = { parts: 0, fields: 0, files: 0, fieldsSize: 0, totalSize: 0 }

const done = { value: undefined, done: true } as const

/**
 * Takes a form apart while it comes. Nothing is read of it but for the part at hand, when somebody reads that, or to
 * find the next one; parts that came in the same piece wait.
 *
 * ```text
 *   idle ──next──▶ searching ──part──▶ at a part ──next──▶ searching …
 *                     └──the last boundary, and the end──▶ over ◀──leave, failure── (any)
 * ```
 */
export class FormReader implements AsyncIterableIterator<Part, undefined>, ConnectionHandler<Uint8Array> {
  readonly #taken: TakenBody
  readonly #limits: Required<FormLimits>
  readonly #parser: Dicer
  readonly #arrived = new Fifo<Arrived>()
  #current: PartSource | undefined
  #waiter: Waiter | undefined
  #begun = false
  #flowing = false
  /** A part began whose header has not ended. Where that is all of it, the parser may not tell its end. */
  #headless = false
  /** The last boundary came. */
  #closed = false
  /** The body ended. */
  #ended = false
  #over = false
  #failure: { readonly error: unknown } | undefined
  readonly #counts = { ...nothingYet }

  constructor(taken: TakenBody, boundary: string, limits: Required<FormLimits>) {
    this.#taken = taken
    this.#limits = limits
    const { headerPairs, headerSize } = limits
    const config = {
      boundary,
      maxHeaderPairs: headerPairs + 1,
      maxHeaderSize: headerSize * margin,
      // So that it says whenever it is done with what it was given.
      highWaterMark: 1,
    }
    this.#parser = new Dicer(config)
    this.#parser.on('drain', () => this.#steer())
    this.#parser.on('part', (stream) => this.#begin(stream))
    this.#parser.on('finish', () => this.#close())
    // It may say so more than once, and when nobody wants to know any more.
    this.#parser.on('error', () => this.#fail(refused('the form ends before its last boundary')))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Part, undefined>> {
    if (this.#waiter) return Promise.reject(new BusyError('Cannot read form: a part is waited for already'))
    if (this.#over) return this.#last()
    this.#current?.end(passed)
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.#steer()
      this.#settle()
    })
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#leave(new ClosedError('Cannot read form: somebody stopped reading it'))
    this.#waiter?.resolve(done)
    this.#waiter = this.#failure = undefined
    return Promise.resolve(done)
  }

  onData(chunk: Uint8Array): void {
    if (this.#over) return
    try {
      this.#count('totalSize', chunk.byteLength)
    } catch (error) {
      return this.#fail(error)
    }
    // What stands behind the last boundary means nothing (RFC 2046 section 5.1.1).
    if (this.#closed) return
    this.#parser.write(chunk)
    this.#steer()
  }

  onEnd(): void {
    if (this.#over) return
    this.#ended = true
    if (this.#closed) this.#settle()
    else this.#parser.end()
  }

  onClose(reason: CloseReason): void {
    this.#fail(reason.kind === 'error' ? reason.error : new BrokenError('Cannot read form: it was cut off'))
  }

  /** Ends it: whoever waits, or asks next, is told `reason`. */
  abort(reason: unknown): void {
    this.#fail(reason)
  }

  /** Somebody wants bytes of a part, or no longer does; or it is all there. */
  changed(): void {
    this.#steer()
    this.#settle()
  }

  #begin(stream: Dicer.PartStream): void {
    stream.on('error', () => {})
    if (this.#headless) return this.#fail(headless())
    this.#headless = true
    const source = new PartSource(this)
    let told = false
    stream.on('header', (header) => {
      told = true
      this.#headless = false
      if (!this.#over) this.#attempt(() => this.#arrive(source, header as PartHeader))
    })
    stream.on('data', (chunk) => {
      if (!this.#over) this.#attempt(() => this.#take(source, chunk as Buffer))
    })
    stream.on('end', () => {
      if (this.#over) return
      if (told) source.finish()
      else this.#fail(headless())
    })
  }

  #arrive(source: PartSource, header: PartHeader): void {
    this.#count('parts', 1)
    checkHeader(header, this.#limits)
    const disposition = dispositionOf(header['content-disposition'])
    checkLimit(this.#limits, 'nameSize', Buffer.byteLength(disposition.name))
    checkLimit(this.#limits, 'nameSize', Buffer.byteLength(disposition.filename ?? ''))
    const part = new Part(disposition, header, source)
    source.isFile = part.isFile
    this.#count(part.isFile ? 'files' : 'fields', 1)
    this.#arrived.push({ part, source })
    this.#settle()
  }

  #take(source: PartSource, chunk: Buffer): void {
    source.size += chunk.length
    checkLimit(this.#limits, source.isFile ? 'fileSize' : 'fieldSize', source.size)
    if (!source.isFile) this.#count('fieldsSize', chunk.length)
    source.push(chunk)
  }

  #count(what: keyof typeof nothingYet, more: number): void {
    this.#counts[what] += more
    checkLimit(this.#limits, what, this.#counts[what])
  }

  #close(): void {
    if (this.#headless) return this.#fail(headless())
    this.#closed = true
    this.#steer()
    this.#settle()
  }

  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Whoever waits for a part gets one, if there is any, or the end. */
  #settle(): void {
    const waiter = this.#waiter
    // The end of a part is told a little later, and its last bytes count.
    if (!waiter || this.#current?.complete === false) return
    if (this.#arrived.length > 0) {
      this.#waiter = undefined
      waiter.resolve({ value: this.#give(), done: false })
    } else if (this.#closed && this.#ended) {
      this.#waiter = undefined
      this.#over = true
      waiter.resolve(done)
    }
  }

  #give(): Part {
    const { part, source } = this.#arrived.shift()
    this.#current = source
    this.#steer()
    return part
  }

  /** Lets the body come, or holds it back. */
  #steer(): void {
    const reading = this.#waiter !== undefined || this.#current?.wanted === true
    // A parser that was full when the last boundary came says no more.
    const full = this.#parser.writableLength > 0 && !this.#closed
    const stuck = full || this.#arrived.length > 0
    const wanted = reading && !stuck && !this.#over
    if (wanted === this.#flowing) return
    this.#flowing = wanted
    const { body } = this.#taken
    if (!wanted) return body.pause()
    if (this.#begun) return body.resume()
    this.#begun = true
    this.#attempt(() => body.handle(this))
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#leave(error)
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter) waiter.reject(error)
    else this.#failure = { error }
  }

  /** Lets go of everything. */
  #leave(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#current?.end(() => reason)
    while (this.#arrived.length > 0) this.#arrived.shift().source.end(() => reason)
    this.#parser.destroy()
    this.#taken.letGo(reason)
  }

  /** An error is thrown once; after that, the form is simply at its end. */
  #last(): Promise<IteratorReturnResult<undefined>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure ? Promise.reject(failure.error) : Promise.resolve(done)
  }
}

/** @throws LimitError for a header that is too large, or was cut because it is. */
function checkHeader(header: PartHeader, limits: Required<FormLimits>): void {
  let pairs = 0
  let size = 0
  for (const [name, lines] of Object.entries(header)) {
    for (const line of lines) {
      pairs++
      // With what stands between and behind them.
      size += name.length + line.length + 4
    }
  }
  checkLimit(limits, 'headerPairs', pairs)
  checkLimit(limits, 'headerSize', size)
}
