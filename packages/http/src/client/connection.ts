import {
  BusyError,
  type ByteConnection,
  type CloseReason,
  LimitError,
  type SocketError,
  TimeoutError,
} from '@fairlead/core'
import { Deadline, type InnerHandler } from '@fairlead/core/transport'

import { CodecError, type Fields, isBodiless, type ResponseHead, ResponseParser } from '../codec/index.ts'
import { protocolErrorOf } from '../errors.ts'
import type { Call } from './call.ts'
import { abandoned, errorOf, unanswered, unasked, unexpected, unwanted } from './connection-errors.ts'
import { clientChannels } from './diagnostics.ts'
import { promiseOf } from './keep-alive.ts'
import { Sending, type SendingHost } from './sending.ts'
import type { Limits } from './settings.ts'

/** Whose connections they are. */
export interface ConnectionHost {
  readonly limits: Limits
  readonly pipelining: number
  /** Milliseconds that a connection may wait for another request, unless the server says less. */
  readonly idleTimeout: number
  /** It can take a request: one more, or its first after a rest. */
  free(connection: ClientConnection): void
  /** It takes none any more. */
  gone(connection: ClientConnection): void
  /** Bytes passed. */
  count(bytesIn: number, bytesOut: number): void
}

/** What is waited for on the reading side. */
type Wait = 'idle' | 'continue' | 'headers' | 'body' | 'nothing'

/** A socket that may be the only thing that keeps a process alive, or not. */
interface Holding {
  ref?(): void
  unref?(): void
}

/** Milliseconds that a server has to end a connection that this side has ended. */
const closingGrace = 1_000

/**
 * One connection to a server, and the requests that wait on it for their answers: one, or more where they are
 * pipelined. Answers come in the order of their requests; whatever comes beside them ends the connection. What leaves
 * is {@link Sending}'s.
 *
 * ```text
 *   idle ──send──▶ busy ──last answer──▶ idle
 *     │             │ └──'close', or an answer before its request was sent──▶ gone
 *     └──bytes, end, time──▶ gone ◀──────malformed, cut, abandoned, 101
 * ```
 */
export class ClientConnection implements InnerHandler<Uint8Array>, SendingHost {
  readonly connection: ByteConnection
  readonly #host: ConnectionHost
  readonly #parser: ResponseParser
  readonly #calls: Call[] = []
  readonly #reading = new Deadline({ onDeadline: () => this.#waited() })
  readonly #sending = new Sending(this)
  #wait: Wait = 'nothing'
  #answering: Call | undefined
  #switch: ResponseHead | undefined
  #keepAlive = true
  #sent = 0
  #gone = false
  #paused = false
  /** What came is being read: what stands behind it is not known yet. */
  #parsing = false
  /** Milliseconds that the server said it would wait. */
  #promised = Infinity
  /** The place in the slot is for whoever goes on with another protocol. */
  retired = false

  constructor(connection: ByteConnection, host: ConnectionHost) {
    this.connection = connection
    this.#host = host
    this.#parser = new ResponseParser(
      {
        onHead: (head) => this.#begin(head),
        onBody: (chunk) => this.#answering?.data(chunk),
        onEnd: (trailers) => this.#complete(trailers),
      },
      host.limits.codec,
    )
    connection.handle(this)
  }

  /** Whether it can take `call` now. */
  takes(call: Call): boolean {
    if (this.#gone || this.#parsing || !this.#keepAlive || this.connection.state !== 'open') return false
    const waiting = this.#calls.length
    if (waiting === 0) return this.#sending.call === undefined
    if (waiting >= this.#host.pipelining || !call.request.safe) return false
    // Behind its first answer: only then is it known that the server keeps connections (RFC 9112 section 9.3.2).
    return (
      this.#sent > waiting &&
      this.#calls.every(({ request, over }) => request.safe && !request.close && !over)
    )
  }

  /** Whether requests wait on it. */
  get busy(): boolean {
    return this.#calls.length > 0 || this.#sending.call !== undefined
  }

  /** Sends it; {@link takes} was true. */
  send(call: Call): void {
    const { connection } = this
    const { request } = call
    const reused = this.#sent > 0
    if (this.#wait === 'idle') {
      ;(connection as Holding).ref?.()
      // A body may take longer than a rest.
      this.#await('nothing')
    }
    this.#sent++
    this.#calls.push(call)
    this.#parser.expect(request.method)
    call.begin(this, reused)
    if (clientChannels.send.hasSubscribers) {
      clientChannels.send.publish({ request: call.record, connection, attempt: call.attempts, reused })
    }
    try {
      this.#sending.start(call)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Whoever asked wants no more of it. Those before it have their answers first. */
  abandon(call: Call): void {
    const at = this.#calls.indexOf(call)
    if (at === 0 || this.#sending.call === call) this.#fail(abandoned())
  }

  /** The reader of `call`'s answer wants more of it, or none for now. */
  flow(call: Call, wanted: boolean): void {
    if (call !== this.#answering || this.#gone) return
    if (wanted) this.#resume()
    else this.#pause()
    this.#await(wanted || !call.read ? 'body' : 'nothing')
  }

  /** Waits for another request, and keeps no process alive for it. */
  rest(): void {
    if (this.#gone || this.#wait === 'idle') return
    this.#await('idle')
    ;(this.connection as Holding).unref?.()
  }

  /** Lets it go: nothing is under way. */
  close(): void {
    if (this.#gone) return
    this.#leave()
    void this.connection.close({ grace: closingGrace })
  }

  /** Cuts it, whatever is under way. */
  destroy(error: Error): void {
    // It is nothing that one more connection could help.
    for (const call of this.#calls) call.fresh = true
    this.#fail(error)
  }

  onData(chunk: Uint8Array): void {
    if (this.#gone) return
    this.#host.count(chunk.byteLength, 0)
    // Nobody asked for it: whatever comes next would be taken for an answer to somebody else's request.
    if (this.#calls.length === 0) return this.#fail(unasked())
    let consumed: number
    this.#parsing = true
    try {
      consumed = this.#parser.push(chunk)
      this.#answering?.settle()
    } catch (error) {
      return this.#fail(this.#errorOf(error), true)
    } finally {
      this.#parsing = false
    }
    if (this.#gone) return
    if (this.#switch) return this.#handOver(this.#switch, chunk.subarray(consumed))
    if (this.#answering) this.#await(this.#paused && this.#answering.read ? 'nothing' : 'body')
    else this.#settle()
  }

  onEnd(): void {
    if (this.#gone) return
    const call = this.#calls[0]
    if (call === undefined) return this.#sending.call ? this.#fail(unwanted()) : this.close()
    if (!call.answered && !this.#parser.inHead) {
      return this.#fail(unanswered())
    }
    try {
      this.#parser.end()
    } catch (error) {
      return this.#fail(this.#errorOf(error))
    }
    this.#keepAlive = false
    if (!this.#gone) this.#settle()
  }

  onDrain(): void {
    this.#sending.drain()
  }

  onShutdown(): void {
    if (!this.busy) this.close()
  }

  onClose(reason: CloseReason): void {
    this.#fail(errorOf(reason))
  }

  /** Somebody else would hear the answers. */
  onReplaced(): readonly Uint8Array[] {
    if (!this.retired) this.#fail(new BusyError('Cannot read: another handler has the connection'))
    return []
  }

  wrote(bytes: number): void {
    this.#host.count(0, bytes)
  }

  expecting(): void {
    this.#await('continue')
  }

  /** The server has its time from now on. */
  asked(call: Call): void {
    call.sent()
    if (this.#calls[0] === call && !call.answered) this.#await('headers')
  }

  written(call: Call): void {
    if (this.#gone) return
    this.asked(call)
    if (!this.#calls.includes(call)) this.#settle()
  }

  failed(error: unknown): void {
    this.#fail(error)
  }

  #begin(head: ResponseHead): void {
    const call = this.#calls[0]
    // It was given up meanwhile, and what came with that is still being read.
    if (call === undefined) return
    if (call.over) return this.#fail(abandoned())
    if (head.status === 101) return this.#offer(call, head)
    if (head.status < 200) {
      call.inform(head)
      if (this.#gone) return
      if (head.status === 100) this.#sending.goOn()
      if (this.#wait === 'headers') this.#await('headers')
      return
    }
    this.#answering = call
    this.#keepAlive = head.keepAlive && !call.request.close
    this.#promised = this.#keepAlive ? promiseOf(head.fields) : 0
    // It has its answer, and will not read what it did not wait for.
    if (!this.#sending.answered(call, head.status)) this.#keepAlive = false
    call.answer(head, isBodiless({ status: head.status, method: call.request.method }))
  }

  #offer(call: Call, head: ResponseHead): void {
    const { upgrade } = call.request
    if (upgrade === undefined || !head.upgrade?.includes(upgrade.toLowerCase())) {
      throw unexpected('the server switches to a protocol that nobody asked for')
    }
    this.#switch = head
  }

  #complete(trailers: Fields | undefined): void {
    if (this.#answering === undefined) return
    const call = this.#calls.shift()!
    this.#answering = undefined
    this.#resume()
    if (this.#calls.length > 0) this.#await('headers')
    else this.#await('nothing')
    call.end(trailers, this.#sending.call === call)
  }

  /** What one read brought is done: it is known whether there is room for another request. */
  #settle(): void {
    if (this.#calls[0]?.over) return this.#fail(abandoned())
    if (this.#calls.length === 0 && this.#sending.call === undefined) {
      if (!this.#keepAlive || this.#promised <= 0) return this.close()
    } else if (!this.#keepAlive && this.#answering === undefined && this.#calls.length > 0) {
      // Those behind the last answer were not looked at.
      return this.#fail(unanswered())
    }
    if (this.#keepAlive && this.#answering === undefined && this.#sending.call === undefined) {
      this.#host.free(this)
    }
    if (!this.busy) this.rest()
  }

  #handOver(head: ResponseHead, rest: Uint8Array): void {
    const call = this.#calls.shift()!
    this.#leave()
    this.connection.pause()
    this.retired = true
    call.switched(head, rest)
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.connection.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.connection.resume()
  }

  #await(wait: Wait): void {
    this.#wait = wait
    const times = this.#calls[0]?.shared.times
    if (wait === 'nothing' || (wait !== 'idle' && !times)) return this.#reading.clear()
    const time =
      wait === 'idle'
        ? Math.min(this.#host.idleTimeout, this.#promised)
        : wait === 'continue'
          ? this.#calls[0]!.request.expect
          : times![wait]
    if (time === Infinity) this.#reading.clear()
    else this.#reading.set(time)
  }

  #waited(): void {
    const wait = this.#wait
    if (wait === 'idle') return this.close()
    if (wait === 'continue') return this.#sending.goOn()
    if (wait === 'nothing') return
    const call = this.#calls[0]
    const body = call?.read ? 'no more of the body came' : 'nobody read the body'
    const what = wait === 'headers' ? 'no answer came' : body
    const time = call?.shared.times[wait]
    this.#fail(new TimeoutError(`${what} for ${time} ms`, { phase: wait }))
  }

  /** It is no place for requests any more. */
  #leave(): void {
    this.#stand()
    this.#host.gone(this)
  }

  /** It takes nothing any more, and waits for nothing. */
  #stand(): void {
    this.#gone = true
    this.#answering = undefined
    this.#reading.clear()
    this.#sending.release()
  }

  /** What the parser threw, by the names that options have. */
  #errorOf(error: unknown): SocketError {
    const value = this.#host.limits.codec.bodyBytes
    if (
      !(error instanceof CodecError) ||
      error.code !== 'ERR_FAIRLEAD_HTTP_BODY_TOO_LARGE' ||
      value === Infinity
    ) {
      return protocolErrorOf(error)
    }
    const text = `Cannot read body: more than maxBodySize, which is ${value}`
    return new LimitError(text, { limit: 'maxBodySize', value, phase: 'body', cause: error })
  }

  /** It is lost, with all that waits on it. `begun`: bytes of an answer to the first of them came. */
  #fail(error: unknown, begun = this.#parser.inHead): void {
    if (this.#gone) return
    this.#stand()
    const calls = this.#calls.splice(0)
    const writes = this.#sending.call
    this.#sending.stop(error)
    this.connection.destroy(error instanceof Error ? error : undefined)
    calls.forEach((call, at) => call.fail(error, at === 0 && (begun || call.begun)))
    // Its answer is there already, and its body was still on its way.
    if (writes && !calls.includes(writes)) writes.fail(error, true)
    // Behind those that want another connection, so that the pool they are in is not found empty.
    this.#host.gone(this)
  }
}
