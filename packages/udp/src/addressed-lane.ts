import { ipAddress, LimitError, type SocketError } from '@fairlead/core'

import type { Destination } from './datagram.ts'
import { Lane, type LaneOwner } from './lane.ts'
import { Names } from './names.ts'
import { defaultConnectTimeout, defaultPeerQueue, defaultSocketQueue } from './options.ts'
import type { Outlet } from './outlet.ts'
import { type Lookup, resolve } from './resolve.ts'
import { largestTo, oversized } from './size.ts'
import type { Counters } from './stats.ts'
import { Wire } from './wire.ts'

/** What an {@link AddressedLane} is made of. */
export interface AddressedLaneParts {
  readonly outlet: Outlet
  readonly counters: Counters
  readonly family: 4 | 6
  readonly lookup: Lookup | undefined
}

/** A lane whose datagrams have a destination each: an address, or a name that is resolved once. */
export class AddressedLane {
  readonly #lane: Lane
  readonly #names: Names
  readonly #wire: Wire
  readonly #counters: Counters
  readonly #tell: (error: SocketError) => void

  constructor({ outlet, counters, family, lookup }: AddressedLaneParts, owner: Omit<LaneOwner, 'addressOf'>) {
    const flushed = (): void => void (this.pending === 0 && owner.flushed())
    this.#counters = counters
    this.#tell = (error) => owner.troubled(error)
    this.#lane = new Lane(outlet, {
      relieved: () => owner.relieved(),
      troubled: (error) => owner.troubled(error),
      overflowed: (error) => owner.overflowed(error),
      addressOf: (host, port) => (host === undefined ? undefined : ipAddress(host, port ?? 0)),
      flushed,
    })
    this.#wire = new Wire(family, (name) => this.#names.find(name))
    const only = family === 4 ? { family } : {}
    const resolveOwner: ConstructorParameters<typeof Names>[0] = {
      resolve: (name, signal) =>
        resolve(name, 0, { timeout: defaultConnectTimeout, signal, lookup, ...only }),
      wireHostOf: (address) => this.#wire.wireHostOf(address),
      pass: (data, port, host) => this.#lane.write(data, port, host),
      lost: (datagrams, error) => {
        counters.sendErrors += datagrams
        this.#trouble(error)
      },
      settled: flushed,
    }
    this.#names = new Names(resolveOwner, defaultPeerQueue, defaultSocketQueue)
  }

  get pending(): number {
    return this.#lane.pending + this.#names.pending
  }

  get bytes(): number {
    return this.#lane.bytes + this.#names.bytes
  }

  get congested(): boolean {
    return this.#lane.congested
  }

  /**
   * Sends, or drops and counts when a queue is full: then the error to tell is returned.
   *
   * @throws TypeError, RangeError or LimitError for what cannot be sent there.
   */
  write(data: Uint8Array, to: Destination): LimitError | undefined {
    const host = this.#wire.hostOf(to)
    const largest = largestTo(host ?? '')
    if (data.length > largest) {
      this.#counters.oversized++
      throw oversized(data.length, largest, 'maxDatagramSize')
    }
    if (host !== undefined) return this.#lane.write(data, to.port, host)
    return this.#names.hold(to.host, to.port, data) ? undefined : this.#drop(to.host)
  }

  /** Whether a `send` of so many bytes has to {@link wait}. */
  mustWait(bytes: number): boolean {
    return this.#lane.mustWait(bytes)
  }

  /** Calls `again` when there is `room`. */
  wait(room: Promise<void>, again: () => Promise<void>): Promise<void> {
    return this.#lane.wait(room, again)
  }

  /** Nobody waits for names any longer: what did is not sent. */
  close(): void {
    this.#counters.sendErrors += this.#names.pending
    this.#names.close()
  }

  #drop(name: string): LimitError {
    this.#counters.sendDropped++
    const facts = { phase: 'dns', limit: 'sendQueue', value: this.#names.pending, retryable: true }
    const error = new LimitError(`Cannot send to ${name}: too much waits for it to be resolved`, facts)
    this.#trouble(error)
    return error
  }

  #trouble(error: SocketError): void {
    this.#counters.lastError = error
    this.#tell(error)
  }
}
