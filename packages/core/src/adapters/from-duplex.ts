import type { Duplex } from 'node:stream'

import type { Address } from '../address.ts'
import { ConnectionBase } from '../connection-base.ts'
import type { ByteConnection } from '../connection.ts'
import { reasonOf } from '../errno.ts'
import { BrokenError, ClosedError, SocketError } from '../errors.ts'
import type { CloseReason } from '../resource.ts'
import { failureOf } from './failure.ts'

/** Options of {@link fromDuplex}: what a Duplex cannot tell. */
export interface FromDuplexOptions {
  /** Default `{ kind: 'memory', name: 'duplex' }`. */
  localAddress?: Address
  /** Default `{ kind: 'memory', name: 'duplex' }`. */
  remoteAddress?: Address
}

/**
 * A byte connection over a Node `Duplex`: an SSH channel, a serial port, one end of a `duplexPair`, the pipes of
 * a child process put together by `Duplex.from`. It owns the Duplex: `end` ends it, `destroy` destroys it, and
 * its error breaks the connection; so does its `'close'` before both directions have ended.
 *
 * @throws TypeError when the Duplex carries objects or text.
 * @example
 * ```ts
 * import { spawn } from 'node:child_process'
 * import { Duplex } from 'node:stream'
 *
 * const sort = spawn('sort')
 * const pipes = fromDuplex(Duplex.from({ readable: sort.stdout, writable: sort.stdin }))
 * pipes.write('b\na\n')
 * pipes.end()
 * for await (const line of lines(pipes)) console.log(line)
 * ```
 */
export function fromDuplex(duplex: Duplex, options: FromDuplexOptions = {}): ByteConnection {
  if (duplex.readableObjectMode || duplex.readableEncoding !== null) {
    throw new TypeError('Cannot adapt Duplex: it does not read bytes')
  }
  return new DuplexConnection(duplex, options)
}

class DuplexConnection extends ConnectionBase<Uint8Array, Uint8Array | string> implements ByteConnection {
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly #duplex: Duplex

  constructor(duplex: Duplex, { localAddress = nowhere, remoteAddress = nowhere }: FromDuplexOptions) {
    super()
    this.localAddress = localAddress
    this.remoteAddress = remoteAddress
    this.#duplex = duplex
    duplex.pause()
    duplex
      .on('data', (chunk: Uint8Array) => this.slot.push(chunk))
      .on('end', () => this.#ended())
      .on('drain', () => this.relieved())
      .on('finish', () => this.#finished())
      .on('error', (error: Error) => this.#broken(error))
      .on('close', () => this.#broken(new Error('the stream was closed too early')))
    // What is over already is not told again.
    if (duplex.destroyed) this.#broken(duplex.errored ?? new Error('the stream is destroyed'))
    else if (duplex.readableEnded) this.#ended()
  }

  get buffered(): number {
    return this.#duplex.writableLength
  }

  write(data: Uint8Array | string, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (!this.writable || !this.#duplex.writable) throw this.unwritable()
    return this.#duplex.write(data, encoding)
  }

  end(): void {
    this.halfClose()
  }

  cork(): void {
    if (this.state !== 'closed') this.#duplex.cork()
  }

  uncork(): void {
    if (this.state !== 'closed') this.#duplex.uncork()
  }

  protected get congested(): boolean {
    return this.#duplex.writableNeedDrain
  }

  flow(wanted: boolean): void {
    if (this.state === 'closed') return
    if (wanted) this.#duplex.resume()
    else this.#duplex.pause()
  }

  protected endOutput(): void {
    this.#duplex.end()
  }

  protected cut(reason: CloseReason): void {
    // With an error, always: without one, a cut stream may be taken for a whole one.
    this.#duplex.destroy(failureOf(reason) ?? new ClosedError('Connection destroyed'))
  }

  protected sizeOf(data: Uint8Array): number {
    return data.byteLength
  }

  #ended(): void {
    this.slot.pushEnd()
    if (this.#duplex.writableFinished) this.finish()
  }

  #finished(): void {
    this.flushed()
    if (this.#duplex.readableEnded) this.finish()
  }

  #broken(error: Error): void {
    if (this.state === 'closed') return
    const failure = SocketError.is(error)
      ? error
      : new BrokenError(`Connection broken: ${reasonOf(error)}`, { peer: this.remoteAddress, cause: error })
    this.#duplex.destroy()
    this.finish({ kind: 'error', error: failure })
  }
}

const nowhere: Address = { kind: 'memory', name: 'duplex' }
