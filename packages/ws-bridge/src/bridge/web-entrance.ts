import type { Address } from '@fairlead/core'
import { Deadline, ready } from '@fairlead/core/transport'
import type { Exchange } from '@fairlead/http'

import { Acceptor } from '../acceptor.ts'
import type { Guard } from '../guard/guard.ts'
import { offersWebSocket, type Opening, openingOf, pathOf, type Refusal, refuse } from '../handshake.ts'
import { Vestibule } from '../vestibule.ts'
import { type PlainConnection, socketOptions } from './dial.ts'
import type { PlainTarget } from './endpoints.ts'
import type { Halls } from './halls.ts'
import type { BridgeListenOptions, BridgeOptions } from './options.ts'
import { BridgeRefusal, refusalForms, refusalOf } from './refusals.ts'
import type { Way } from './way.ts'

/**
 * Takes WebSockets from an HTTP listener. The target is connected to before the handshake is answered:
 *
 * ```text
 *   handshake ──▶ path, form, guard, subprotocol, room ──▶ authorize ──▶ token ──▶ target ──▶ 101
 *                        └────── 4xx, 503 ───────┘          └── 4xx, 500, 504 ──┘     └── 403, 502, 504, or a Close
 * ```
 */
export class WebEntrance {
  readonly #halls: Halls
  readonly #way: Way
  readonly #guard: () => Guard
  readonly #acceptor: Acceptor<'both'>
  readonly #vestibule: Vestibule
  readonly #authorize: BridgeListenOptions['authorize']
  readonly #protocols: readonly string[]
  readonly #unreachable: NonNullable<BridgeOptions['unreachable']>

  /** @throws TypeError or RangeError that names the option. */
  constructor(halls: Halls, way: Way, guard: () => Guard, options: BridgeOptions) {
    const { listen = {}, unreachable = 'auto' } = options
    const { protocols = ['binary'] } = listen
    this.#halls = halls
    this.#way = way
    this.#guard = guard
    this.#acceptor = new Acceptor({ ...socketOptions(options), protocols })
    this.#vestibule = new Vestibule(listen)
    this.#authorize = listen.authorize
    this.#protocols = protocols
    this.#unreachable = unreachable
  }

  /** Whether a handshake is one of this bridge, which answers it then. */
  take(exchange: Exchange): boolean {
    if (!offersWebSocket(exchange)) return false
    const opening = openingOf(exchange)
    const token = this.#way.tokenIn(opening, pathOf(exchange.request))
    if (token === undefined) return false
    const peer = exchange.client.address
    if (!this.#refuses(exchange, opening, peer)) void this.#lead(exchange, opening, token, peer)
    return true
  }

  /** What can be said at once. */
  #refuses(exchange: Exchange, opening: Opening, peer: Address): boolean {
    const say = (cause: Parameters<Halls['refused']>[1], refusal: Refusal): true => {
      this.#halls.refused(peer, cause)
      refuse(exchange, refusal)
      return true
    }
    const { fault, protocols } = opening
    if (fault) return say('handshake', fault)
    const forbidden = this.#guard().refusalOf(opening)
    if (forbidden) return say('origin', forbidden)
    // What is spoken in another is not understood here, and browsers do not go on without the one they asked for.
    if (protocols.length > 0 && !protocols.some((name) => this.#protocols.includes(name))) {
      return say('protocol', refusalForms.protocol.answer)
    }
    const full = this.#vestibule.refusalFor(() => peer) ?? this.#vestibule.wait(exchange, () => peer)
    return full !== undefined && say('limit', full)
  }

  async #lead(exchange: Exchange, opening: Opening, token: string, peer: Address): Promise<void> {
    const approach = this.#halls.approach()
    const gone = (): void => approach.abort(new BridgeRefusal('gone'))
    exchange.signal.addEventListener('abort', gone, { once: true })
    if (exchange.signal.aborted) gone()
    let plain: PlainConnection | undefined
    let waits = true
    let asking: Promise<unknown> = ready
    try {
      const asked = this.#ask(exchange, opening, token)
      asking = asked
      const target = await unlessLate(asked, this.#vestibule.authorizeTimeout, approach.signal)
      if (!target) return this.#halls.refused(peer, 'authorize')
      plain = await this.#way.dial(target, approach.signal)
      approach.signal.throwIfAborted()
      this.#vestibule.proceed(exchange)
      waits = false
      // Others from there may have come in meanwhile.
      if (this.#vestibule.refusalFor(() => peer)) throw new BridgeRefusal('limit')
      this.#admit(exchange, opening, plain, peer)
    } catch (error) {
      plain?.destroy()
      this.#turnAway(exchange, opening, error, peer)
    } finally {
      exchange.signal.removeEventListener('abort', gone)
      // Whoever has left keeps his place as long as he is asked about.
      if (waits)
        void settled(asking, this.#vestibule.authorizeTimeout).then(() => this.#vestibule.proceed(exchange))
      this.#halls.arrived(approach)
    }
  }

  /** Where to; undefined when `authorize` has another answer, which was given. */
  #ask(exchange: Exchange, opening: Opening, token: string): Promise<PlainTarget | undefined> {
    const ask = async (): Promise<PlainTarget | undefined> => {
      const refusal = await this.#authorize?.(opening, exchange)
      if (refusal && !exchange.answered) refuse(exchange, refusal)
      return exchange.answered ? undefined : this.#way.targetOf(token, opening)
    }
    // Whatever a callback throws, the target is not to blame for it.
    return ask().catch((error: unknown) => {
      throw error instanceof BridgeRefusal ? error : new BridgeRefusal('failed', { cause: error })
    })
  }

  #admit(exchange: Exchange, opening: Opening, plain: PlainConnection, peer: Address): void {
    const socket = this.#acceptor.accept(exchange, opening)
    this.#vestibule.enter(socket, () => peer)
    void socket.closed.then(() => this.#vestibule.leave(socket))
    this.#halls.cross({ socket, plain, near: 'socket', from: peer })
  }

  #turnAway(exchange: Exchange, opening: Opening, error: unknown, peer: Address): void {
    const cause = refusalOf(error)
    const why = error instanceof BridgeRefusal ? error.cause : error
    this.#halls.refused(peer, cause, why)
    const { answer, code } = refusalForms[cause]
    if (exchange.answered) return
    if (cause === 'failed') return exchange.fail(why)
    if (!this.#tellsByClose(cause, opening)) return refuse(exchange, answer)
    try {
      void this.#acceptor.accept(exchange, opening).close({ code, text: answer.text })
    } catch {
      // The client is gone.
    }
  }

  #tellsByClose(cause: string, { headers }: Opening): boolean {
    if (cause !== 'unreachable' && cause !== 'timeout' && cause !== 'policy') return false
    return (
      this.#unreachable === 'close' || (this.#unreachable === 'auto' && headers.get('origin') !== undefined)
    )
  }
}

/** Resolves when `promise` has settled, or time runs out. */
function settled(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = new Deadline({ onDeadline: () => resolve() })
    deadline.set(milliseconds)
    const done = (): void => {
      deadline.release()
      resolve()
    }
    promise.then(done, done)
  })
}

/** Settles as `promise` does, unless time runs out or the signal is aborted before. */
function unlessLate<T>(promise: Promise<T>, milliseconds: number, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = new Deadline({ onDeadline: () => reject(new BridgeRefusal('timeout')) })
    deadline.set(milliseconds)
    const abort = (): void => {
      deadline.clear()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => {
      deadline.clear()
      signal.removeEventListener('abort', abort)
    })
    if (signal.aborted) abort()
  })
}
