import { Vestibule } from '../vestibule.ts'
import type { WebSocketConnection } from '../websocket.ts'
import type { PlainConnection } from './dial.ts'
import type { Halls } from './halls.ts'
import type { BridgeListenOptions } from './options.ts'
import { BridgeRefusal, refusalOf } from './refusals.ts'

/**
 * Takes connections of bytes, or sessions of datagrams, and leads each to a WebSocket of its own. Nothing is read before
 * that is there. There is no answer to say no with: whoever is refused is reset.
 */
export class PlainEntrance {
  readonly #halls: Halls
  readonly #dial: (signal: AbortSignal) => Promise<WebSocketConnection>
  readonly #vestibule: Vestibule

  /** @throws RangeError that names the option. */
  constructor(
    halls: Halls,
    dial: (signal: AbortSignal) => Promise<WebSocketConnection>,
    options: BridgeListenOptions,
  ) {
    this.#halls = halls
    this.#dial = dial
    this.#vestibule = new Vestibule(options)
  }

  take(near: PlainConnection): void {
    const address = () => near.remoteAddress
    if (this.#vestibule.refusalFor(address) ?? this.#vestibule.wait(near, address)) {
      this.#halls.refused(near.remoteAddress, 'limit')
      near.destroy()
    } else {
      void this.#lead(near)
    }
  }

  async #lead(near: PlainConnection): Promise<void> {
    const approach = this.#halls.approach()
    let socket: WebSocketConnection | undefined
    let waits = true
    void near.closed.then(() => {
      if (!socket) approach.abort(new BridgeRefusal('gone'))
    })
    try {
      socket = await this.#dial(approach.signal)
      approach.signal.throwIfAborted()
      this.#vestibule.proceed(near)
      waits = false
      this.#vestibule.enter(near, () => near.remoteAddress)
      void near.closed.then(() => this.#vestibule.leave(near))
      this.#halls.cross({ socket, plain: near, near: 'plain', from: near.remoteAddress })
    } catch (error) {
      socket?.destroy()
      this.#halls.refused(near.remoteAddress, refusalOf(error), error)
      near.destroy()
    } finally {
      if (waits) this.#vestibule.proceed(near)
      this.#halls.arrived(approach)
    }
  }
}
