import { ipAddress, LimitError, type SocketError } from '@fairlead/core'

import type { Destination } from '../address/datagram.ts'
import { Names } from '../address/names.ts'
import { type Lookup, resolve } from '../address/resolve.ts'
import { largestDatagram, largestTo, oversized } from '../address/size.ts'
import { Wire } from '../address/wire.ts'
import { defaultConnectTimeout, defaultPeerQueue, defaultSocketQueue } from '../options.ts'
import type { Counters } from '../stats.ts'
import { Lane, type LaneOwner } from './lane.ts'
import type { Outlet } from './outlet.ts'

/** What an {@link AddressedLane} is made of. */
export interface AddressedLaneParts {
  readonly outlet: Outlet
  readonly counters: Counters
  /** The families that the socket can send to. */
  readonly speaks: readonly (4 | 6)[]
  readonly lookup: Lookup | undefined
}

/** A lane whose datagrams have a destination each: an address, or a name that is resolved once. */
export class AddressedLane {
  readonly #lane: Lane
  readonly #names: Names
  readonly #wire: Wire
  readonly #counters: Counters
  readonly #tell: (error: SocketError) => void
  /** Of the first that was dropped since nothing waited for a name. */
  #overflow: LimitError | undefined

  constructor({ outlet, counters, speaks, lookup }: AddressedLaneParts, owner: Omit<LaneOwner, 'addressOf'>) {
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
    this.#wire = new Wire(speaks, (name) => this.#names.find(name))
    const resolveOwner: ConstructorParameters<typeof Names>[0] = {
      async resolve(name, signal) {
        const options = { timeout: defaultConnectTimeout, signal, lookup, families: speaks }
        return (await resolve(name, 0, options))[0]
      },
      wireHostOf: (address) => this.#wire.wireHostOf(address),
      pass: (data, port, host) => this.#passOn(data, port, host),
      lost: (datagrams, error) => {
        counters.sendErrors += datagrams
        this.#trouble(error)
      },
      settled: () => {
        this.#overflow = undefined
        flushed()
      },
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
    // What fits everywhere needs no look at where it goes.
    if (data.length > largestDatagram[4]) this.#checkSize(data.length, largestTo(host ?? ''))
    if (host !== undefined) return this.#lane.write(data, to.port, host)
    if (this.#names.hold(to.host, to.port, data)) return undefined
    return this.#drop(to.host, 'too much waits for it to be resolved', 'dns', this.#names.pending)
  }

  /** Whether a `send` of so many bytes has to {@link wait}. */
  mustWait(bytes: number): boolean {
    return this.#lane.mustWait(bytes)
  }

  /** Calls `again` when there is `room`. A rejection that nobody awaits ends nothing. */
  wait(room: Promise<void>, again: () => Promise<void>): Promise<void> {
    return this.#lane.wait(room, again)
  }

  /** Nobody waits for names any longer: what did is not sent. */
  close(): void {
    this.#counters.sendErrors += this.#names.pending
    this.#names.close()
  }

  #checkSize(bytes: number, largest: number): void {
    if (bytes <= largest) return
    this.#counters.oversized++
    throw oversized(bytes, largest, 'maxDatagramSize')
  }

  /** What waited for its name waits for nothing else: nobody is left who could be made to. */
  #passOn(data: Uint8Array, port: number, host: string): void {
    if (!this.#lane.mustWait(data.byteLength)) this.#lane.write(data, port, host)
    else this.#drop(host, 'the send queue is full', 'write', this.#lane.pending)
  }

  #drop(to: string, why: string, phase: 'dns' | 'write', value: number): LimitError {
    this.#counters.sendDropped++
    if (this.#overflow) return this.#overflow
    const facts = { phase, limit: 'sendQueue', value, retryable: true }
    this.#overflow = new LimitError(`Cannot send to ${to}: ${why}`, facts)
    this.#trouble(this.#overflow)
    return this.#overflow
  }

  #trouble(error: SocketError): void {
    this.#counters.lastError = error
    this.#tell(error)
  }
}
