import type { Datagram } from '../datagram.ts'
import { LimitError, ListenError } from '../errors.ts'
import { type MemoryAddress, type MemoryDatagramSocket, NetworkSocket } from './datagram-socket.ts'
import { Dice } from './dice.ts'

/** What a {@link DatagramNetwork} does to datagrams. Probabilities are from 0 to 1. */
export interface DatagramConditions {
  /** Probability that a datagram is lost. Default 0. */
  loss?: number
  /** Probability that a datagram that is not lost arrives twice. Default 0. */
  duplication?: number
  /** Probability that a datagram is held back for one to four turns, so that others overtake it. Default 0. */
  reordering?: number
  /** Bytes that a datagram may have; a larger one is refused when it is sent. Default 65,507, as over IPv4. */
  mtu?: number
  /** Datagrams that may be under way to one socket or unread there; the next one is dropped. Default 1,024. */
  queue?: number
}

/** What a {@link DatagramNetwork} counted: `sent + duplicated = delivered + lost + dropped`, when it is at rest. */
export interface DatagramStats {
  /** Accepted by `write`. */
  readonly sent: number
  readonly duplicated: number
  /** Given to a reader. */
  readonly delivered: number
  readonly lost: number
  /** There was no room, or nobody there, or it was unread when its socket closed. */
  readonly dropped: number
}

interface Flight extends Datagram<MemoryAddress> {
  readonly receiver: NetworkSocket
  turns: number
}

/**
 * Datagrams without sockets, for tests: delivered in a later turn of the event loop, and lost, doubled and
 * reordered as the conditions say. The same seed does the same to the same datagrams.
 *
 * @example
 * ```ts
 * const network = new DatagramNetwork({ loss: 0.1 }, 7)
 * const here = await network.bind('here')
 * const there = await network.bind('there')
 * await here.send('ahoy', 'there')
 * for await (const { data, from } of there) await there.send(data, from)
 * ```
 */
export class DatagramNetwork {
  readonly #sockets = new Map<string, NetworkSocket>()
  readonly #dice: Dice
  readonly #stats = { sent: 0, duplicated: 0, delivered: 0, lost: 0, dropped: 0 }
  #conditions: Required<DatagramConditions> = { ...perfect }
  #flights: Flight[] = []
  #scheduled = false

  /** @throws RangeError when a condition is out of its range. */
  constructor(conditions: DatagramConditions = {}, seed = 1) {
    this.#dice = new Dice(seed)
    this.change(conditions)
  }

  /** Changes some conditions, for what is sent from now on. @throws RangeError */
  change(conditions: DatagramConditions): void {
    const next = { ...this.#conditions, ...conditions }
    for (const [name, value] of Object.entries(next)) {
      const isCount = name === 'mtu' || name === 'queue'
      if (value >= 0 && (isCount ? Number.isSafeInteger(value) : value <= 1)) continue
      throw new RangeError(`Invalid option ${name}: ${value} is not a ${isCount ? 'count' : 'probability'}`)
    }
    this.#conditions = next
  }

  /** A socket with that name, which whoever called owns. @throws ListenError when the name is in use. */
  async bind(name: string): Promise<MemoryDatagramSocket> {
    const address = { kind: 'memory', name } as const
    if (this.#sockets.has(name)) {
      throw new ListenError(`Cannot bind memory:${name}: name is in use`, { peer: address })
    }
    const socket = new NetworkSocket(address, {
      pass: (data, to) => this.#pass(data, address, to),
      delivered: () => void this.#stats.delivered++,
      released: (unread) => {
        this.#stats.dropped += unread
        this.#sockets.delete(name)
      },
    })
    this.#sockets.set(name, socket)
    return socket
  }

  /** What was counted until now; a copy. */
  stats(): DatagramStats {
    return { ...this.#stats }
  }

  /** The dice are rolled the same number of times whatever becomes of the datagram. */
  #pass(data: Uint8Array, from: MemoryAddress, to: string): void {
    const { loss, duplication, reordering, mtu } = this.#conditions
    if (data.byteLength > mtu) {
      const message = `Cannot send: ${data.byteLength} bytes are more than a datagram may have`
      throw new LimitError(message, { phase: 'write', limit: 'mtu', value: data.byteLength })
    }
    this.#stats.sent++
    const [lost, doubled] = [this.#dice.roll() < loss, this.#dice.roll() < duplication]
    const turns = [this.#dice.roll(), this.#dice.roll()].map((roll) =>
      roll < reordering ? 1 + Math.floor((roll / reordering) * 4) : 0,
    )
    if (lost) return void this.#stats.lost++
    if (doubled) this.#stats.duplicated++
    for (const turn of turns.slice(0, doubled ? 2 : 1)) this.#launch(data, from, to, turn)
  }

  #launch(data: Uint8Array, from: MemoryAddress, to: string, turns: number): void {
    const receiver = this.#sockets.get(to)
    if (!receiver || receiver.expected >= this.#conditions.queue) return void this.#stats.dropped++
    receiver.expected++
    // A copy each: the receiver owns the bytes, and the sender may change his.
    this.#flights.push({ data: Buffer.from(data), from, receiver, turns })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#arrive())
  }

  #arrive(): void {
    this.#scheduled = false
    const flights = this.#flights
    this.#flights = []
    for (const flight of flights) {
      if (flight.turns-- > 0) this.#flights.push(flight)
      else if (!flight.receiver.receive({ data: flight.data, from: flight.from })) this.#stats.dropped++
    }
    if (this.#flights.length > 0) this.#schedule()
  }
}

const perfect: Required<DatagramConditions> = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  mtu: 65_507,
  queue: 1_024,
}
