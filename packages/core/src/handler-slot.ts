import type { ConnectionHandler } from './connection.ts'
import type { SocketError } from './errors.ts'
import { ready } from './gate.ts'
import type { CloseReason } from './resource.ts'

/** What a handler of the house itself may have beside the public methods. */
export interface InnerHandler<In> extends ConnectionHandler<In> {
  /** Whether anybody stands behind this handler. A framing that nobody reads occupies nothing. */
  readonly occupied?: boolean
  /** It gave its place up: whoever comes next may take it. */
  readonly retired?: boolean
  /** Whether nobody behind this handler takes a shutdown in hand, so that it is the connection's own affair. */
  readonly leavesShutdown?: boolean
  /** This side is about to close: the last moment for what waits to be written. */
  onClosing?(): void
  /** No more input will come: this side began to close, or (with a reason) was cut off. */
  onDeaf?(reason?: CloseReason): void
  /** Another handler took the slot; gives back what was taken and not read. */
  onReplaced?(): readonly In[]
}

/** What the slot asks of the connection it belongs to. */
export interface SlotHost {
  /** Input is wanted from now on, or no longer is. */
  flow(wanted: boolean): void
  /** The peer ended and the handler has no opinion: end, too. */
  answerEnd(): void
  /** The listener shuts down and the handler has no opinion. */
  closeForShutdown(grace: number): void
  /** A callback of the handler threw or rejected. */
  fail(error: unknown): void
}

/** Most slots never keep anything; they share this. */
const nothing: never[] = []

/**
 * The one place where a connection's handler sits, and the order in which it hears things.
 *
 * Input that comes while nobody wants it is kept. Whatever a new handler has to be given (a head, what was
 * kept, the end, the close) is given in a later microtask, so that `handle` never calls back into its caller.
 */
export class HandlerSlot<In> {
  /** Those with something to give in the next microtask. */
  static #due: HandlerSlot<unknown>[] = []
  readonly #host: SlotHost
  #handler: InnerHandler<In> | undefined
  #pending: In[] = nothing
  #ended = false
  #tellEnd = false
  #deaf = false
  #paused = false
  #held = false
  #scheduled = false
  #reason: CloseReason | undefined

  constructor(host: SlotHost) {
    this.#host = host
  }

  /** Whether somebody reads. */
  get occupied(): boolean {
    return this.#handler !== undefined && (this.#handler.occupied ?? true)
  }

  /** Whether the peer's end was seen, heard by a handler or not. */
  get ended(): boolean {
    return this.#ended
  }

  /** Whether a reader may come without taking the place of another. */
  get vacant(): boolean {
    return this.#handler === undefined || this.#handler.retired === true
  }

  get handler(): InnerHandler<In> | undefined {
    return this.#handler
  }

  /** Whether input pushed now goes straight to the handler. */
  get flowing(): boolean {
    return (
      this.#handler !== undefined &&
      !this.#paused &&
      !this.#held &&
      !this.#scheduled &&
      !this.#deaf &&
      this.#pending.length === 0
    )
  }

  /** Whether nobody takes a shutdown in hand. */
  get leavesShutdown(): boolean {
    const handler = this.#handler
    return handler?.onShutdown === undefined || (handler.leavesShutdown ?? false)
  }

  install(handler: InnerHandler<In>, head?: In): void {
    const before = this.#handler
    this.#handler = handler
    const unread = before?.onReplaced?.() ?? []
    this.#putBack(unread)
    this.#held = this.#paused = false
    this.#tellEnd = this.#ended
    if (head !== undefined) this.#putBack([head])
    this.#schedule()
  }

  /** Takes `handler` out, unless another took its place, and puts back what it did not read. */
  release(handler: InnerHandler<In>, unread: readonly In[] = []): void {
    if (this.#handler !== undefined && this.#handler !== handler) return
    this.#putBack(unread)
    if (this.#handler === undefined) return
    this.#handler = undefined
    this.#held = false
    this.#host.flow(this.#deaf)
  }

  /** Empties the slot, and takes out what was not delivered. */
  vacate(): In[] {
    const before = this.#handler
    this.#handler = undefined
    const unread = [...(before?.onReplaced?.() ?? []), ...this.#pending]
    this.#pending = nothing
    this.#held = false
    return unread
  }

  push(data: In): void {
    if (this.flowing) this.deliver(data)
    else if (this.#deaf) return
    else if (this.#pending.length > 0) this.#pending.push(data)
    else this.#pending = [data]
  }

  pushEnd(): void {
    if (this.#ended) return
    this.#ended = this.#tellEnd = true
    if (this.flowing) this.#deliverEnd()
    else if (this.#deaf) this.#host.answerEnd()
  }

  /** The user's pause. */
  pause(): void {
    this.#paused = true
    this.#changed()
  }

  resume(): void {
    this.#paused = false
    this.#changed()
  }

  /** The reader's own pause, apart from the user's. */
  hold(held: boolean): void {
    if (this.#held === held) return
    this.#held = held
    this.#changed()
  }

  closing(): void {
    const handler = this.#handler
    this.#guard(() => handler?.onClosing?.())
  }

  /** Discards input from now on: this side is closing, or (with a reason) cuts the connection off. */
  deafen(reason?: CloseReason): void {
    if (this.#deaf) return
    this.#deaf = true
    this.#pending = nothing
    const handler = this.#handler
    this.#guard(() => handler?.onDeaf?.(reason))
    this.#host.flow(true)
  }

  drain(): void {
    const handler = this.#handler
    this.#guard(() => handler?.onDrain?.())
  }

  trouble(error: SocketError): void {
    const handler = this.#handler
    this.#guard(() => handler?.onTrouble?.(error))
  }

  shutdown(grace: number): void {
    const handler = this.#handler
    this.#guard(() => {
      if (!this.leavesShutdown) return handler?.onShutdown?.(grace)
      this.#host.closeForShutdown(grace)
    })
  }

  close(reason: CloseReason): void {
    this.#reason = reason
    if (this.#pending.length > 0 || this.#tellEnd || hearsClose(this.#handler)) this.#schedule()
    else this.#handler = undefined
  }

  #putBack(unread: readonly In[]): void {
    if (!this.#deaf && unread.length > 0) this.#pending = [...unread, ...this.#pending]
  }

  #changed(): void {
    const wanted = this.#handler !== undefined && !this.#paused && !this.#held
    if (wanted && (this.#pending.length > 0 || this.#tellEnd)) this.#schedule()
    else if (!this.#scheduled) this.#host.flow(wanted || this.#deaf)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // One promise for all slots of this turn: for each its own, or queueMicrotask, costs several times as much.
    if (HandlerSlot.#due.push(this) === 1) void ready.then(HandlerSlot.#flushAll)
  }

  static #flushAll(this: void): void {
    const due = HandlerSlot.#due
    HandlerSlot.#due = []
    for (const slot of due) {
      try {
        slot.#flush()
      } catch (error) {
        slot.#host.fail(error)
      }
    }
  }

  #flush(): void {
    this.#scheduled = false
    while (this.#pending.length > 0 && this.#wanting()) this.deliver(this.#pending.shift() as In)
    if (this.flowing && this.#tellEnd) this.#deliverEnd()
    if (this.#deaf) this.#guard(() => this.#handler?.onDeaf?.(this.#reason))
    if (this.#reason === undefined) {
      // In both directions: whoever paused while this was scheduled was not heard.
      if (!this.#scheduled) this.#host.flow(this.flowing || this.#deaf)
    } else if (!this.#owes(this.#reason)) {
      this.#deliverClose(this.#reason)
    }
  }

  /** An orderly close waits behind input that a paused handler has not heard yet. */
  #owes({ kind }: CloseReason): boolean {
    const unheard = this.#pending.length > 0 || this.#tellEnd
    return unheard && !this.#deaf && this.#handler !== undefined && kind !== 'error'
  }

  #wanting(): boolean {
    return this.#handler !== undefined && !this.#paused && !this.#held && !this.#scheduled
  }

  /** What {@link push} does while {@link flowing}, for those who have just asked. */
  deliver(data: In): void {
    const handler = this.#handler as InnerHandler<In>
    try {
      const answer = handler.onData(data)
      if (answer !== undefined) this.#guardPromise(answer)
    } catch (error) {
      this.#host.fail(error)
    }
  }

  #deliverEnd(): void {
    this.#tellEnd = false
    const handler = this.#handler
    try {
      // Even asking for a method may throw.
      if (handler?.onEnd) this.#guardPromise(handler.onEnd())
      else this.#host.answerEnd()
    } catch (error) {
      this.#host.fail(error)
    }
  }

  #deliverClose(reason: CloseReason): void {
    // A head that a callback put back is still to come first: the next flush ends here again.
    if (this.#scheduled) return
    const handler = this.#handler
    this.#handler = undefined
    this.#guard(() => handler?.onClose?.(reason))
  }

  #guard(call: () => void | Promise<void>): void {
    try {
      const answer = call()
      if (answer !== undefined) this.#guardPromise(answer)
    } catch (error) {
      this.#host.fail(error)
    }
  }

  #guardPromise(answer: unknown): void {
    if (typeof (answer as PromiseLike<void> | null)?.then !== 'function') return
    ;(answer as PromiseLike<void>).then(undefined, (error: unknown) => this.#host.fail(error))
  }
}

/** Whether a close means anything to it. Even asking may throw; that is found out when it is told. */
function hearsClose<In>(handler: InnerHandler<In> | undefined): boolean {
  try {
    return handler?.onClose !== undefined || handler?.onDeaf !== undefined
  } catch {
    return true
  }
}
