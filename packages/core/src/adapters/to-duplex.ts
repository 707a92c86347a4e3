import { Duplex } from 'node:stream'

import type { ByteConnection } from '../connection.ts'
import { defaultHighWaterMark } from '../defaults.ts'
import type { InnerHandler } from '../handler-slot.ts'
import type { CloseReason } from '../resource.ts'
import { failureOf } from './failure.ts'

type Callback = (error?: Error | null) => void

/**
 * A byte connection, whatever is under it, as a Node `Duplex` with `allowHalfOpen`: for `pipeline`, `ws`, or
 * `http.request({ createConnection })`. It takes the connection's handler slot; whoever had the connection
 * still owns it, and may close it. Nothing is read before the Duplex is.
 *
 * `end` is the half-close. `destroy(error)` destroys the connection; `destroy()` does, too, unless `'finish'`
 * was told: then what was written is still sent, within the grace of `close()`. `'close'` comes when the
 * connection is closed. When that breaks, the Duplex is destroyed with its `SocketError`; an `'error'` that
 * nobody listens to ends nothing, because a peer must not end the process.
 *
 * For TCP, `lend` of `@fairlead/tcp/node` gives the system's own socket, which costs less.
 *
 * @example
 * ```ts
 * import { createWriteStream } from 'node:fs'
 * import { pipeline } from 'node:stream/promises'
 * import { createGunzip } from 'node:zlib'
 *
 * await pipeline(toDuplex(connection), createGunzip(), createWriteStream('received'))
 * ```
 */
export function toDuplex(connection: ByteConnection): Duplex {
  return new ConnectionDuplex(connection)
}

class ConnectionDuplex extends Duplex {
  readonly #connection: ByteConnection
  #inputDone = false
  #paused = true

  constructor(connection: ByteConnection) {
    super({ readableHighWaterMark: defaultHighWaterMark, writableHighWaterMark: defaultHighWaterMark })
    this.#connection = connection
    this.on('error', ignore)
    connection.handle(this.#handler())
    connection.pause()
  }

  override _read(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#connection.resume()
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: Callback): void {
    this.#pass(callback, () => this.#connection.write(chunk))
  }

  override _writev(chunks: readonly { chunk: Uint8Array }[], callback: Callback): void {
    const connection = this.#connection
    this.#pass(callback, () => {
      connection.cork()
      try {
        return chunks.reduce((_, { chunk }) => connection.write(chunk), true)
      } finally {
        connection.uncork()
      }
    })
  }

  override _final(callback: Callback): void {
    this.#connection.end()
    this.#whenDrained(callback)
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const connection = this.#connection
    if (error) connection.destroy(error)
    else if (this.writableFinished || connection.state === 'closing') void connection.close()
    else connection.destroy()
    void connection.closed.then(() => callback(error))
  }

  #pass(callback: Callback, write: () => boolean): void {
    try {
      if (write()) callback()
      else this.#whenDrained(callback)
    } catch (error) {
      callback(error as Error)
    }
  }

  /** What a listener throws while it is called back costs the stream. */
  #whenDrained(callback: Callback): void {
    const drained = this.#connection.drained()
    drained.then(() => callback(), callback).catch((error: unknown) => this.destroy(error as Error))
  }

  /** What is heard from the connection; apart, so that a Duplex has no methods that no Duplex has. */
  #handler(): InnerHandler<Uint8Array> {
    const endInput = (): void => {
      if (this.#inputDone || this.destroyed) return
      this.#inputDone = true
      this.push(null)
    }
    return {
      onData: (chunk) => {
        if (this.#inputDone || this.push(chunk)) return
        this.#paused = true
        this.#connection.pause()
      },
      onEnd: endInput,
      onDeaf: (reason) => {
        if (!reason) endInput()
      },
      onReplaced: () => {
        endInput()
        return []
      },
      onClose: (reason) => this.#closed(reason),
    }
  }

  /** A Duplex at its end in both directions destroys itself, when what it holds was read. */
  #closed(reason: CloseReason): void {
    const failure = failureOf(reason)
    if (failure) this.destroy(failure)
    else if (!this.#inputDone || !this.writableEnded) this.destroy()
  }
}

const ignore = (): void => {}
