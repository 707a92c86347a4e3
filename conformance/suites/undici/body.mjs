// The body of an answer as the Node stream that undici makes of it.

import { Readable } from 'node:stream'

import { errors, theirs } from './errors.mjs'

export class Body extends Readable {
  #response
  #trailers
  #iterator
  #used = false
  #web

  constructor(response, trailers, highWaterMark = 64 * 1024) {
    super({ highWaterMark })
    this.#response = response
    this.#trailers = trailers
  }

  get bodyUsed() {
    return this.#used || Readable.isDisturbed(this)
  }

  get body() {
    return (this.#web ??= Readable.toWeb(this))
  }

  text() {
    return this.#consume((it) => it.text())
  }

  json() {
    return this.#consume((it) => it.json())
  }

  bytes() {
    return this.#consume(async (it) => Buffer.from(await it.bytes()))
  }

  arrayBuffer() {
    return this.#consume(async (it) => {
      const bytes = await it.bytes()
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    })
  }

  blob() {
    const type = this.#response.headers.get('content-type') ?? ''
    return this.#consume(async (it) => new Blob([await it.bytes()], { type }))
  }

  async formData() {
    throw new errors.NotSupportedError()
  }

  async dump({ signal } = {}) {
    if (signal !== undefined && !(typeof signal === 'object' && 'aborted' in signal)) {
      throw new errors.InvalidArgumentError('signal must be an AbortSignal')
    }
    signal?.throwIfAborted()
    if (this.#used || this.closed) return null
    this.#used = true
    this.#response.discard()
    this.#end()
    return null
  }

  on(event, listener) {
    if (event === 'data' || event === 'readable') this.#used = true
    return super.on(event, listener)
  }

  _read() {
    this.#iterator ??= this.#response[Symbol.asyncIterator]()
    this.#iterator.next().then(
      ({ value, done }) => {
        if (!done) return this.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
        this.#end()
      },
      (error) => this.destroy(theirs(error)),
    )
  }

  _destroy(given, callback) {
    const error = given ?? (this.readableEnded ? null : new errors.RequestAbortedError())
    if (error) this.#response.discard()
    // Who waits for it has had no turn to listen yet.
    if (this.#used) callback(error)
    else setImmediate(() => callback(error))
  }

  async #consume(read) {
    if (this.bodyUsed || this.destroyed) throw new TypeError('unusable')
    this.#used = true
    try {
      const value = await read(this.#response)
      this.#end()
      this.resume()
      return value
    } catch (error) {
      const known = theirs(error)
      this.on('error', () => {}).destroy(known)
      throw known
    }
  }

  #end() {
    const trailers = fieldsOf(this.#response.trailers?.raw ?? [])
    Object.defineProperties(this.#trailers, Object.getOwnPropertyDescriptors(trailers))
    this.push(null)
  }
}

/** Fields as undici gives them: in lower case, the values of a name that came more than once in an array. */
export function fieldsOf(raw) {
  const fields = {}
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at].toLowerCase()
    const value = raw[at + 1]
    const before = Object.hasOwn(fields, name) ? fields[name] : undefined
    const all = before === undefined ? value : [before, value].flat()
    Object.defineProperty(fields, name, { value: all, enumerable: true, writable: true, configurable: true })
  }
  return fields
}

/** Fields in the one form or the other. */
export function named(raw, { responseHeaders }) {
  return responseHeaders === 'raw' ? [...raw] : fieldsOf(raw)
}
