import { ProtocolError } from '@fairlead/core'
import type { HandlerSlot } from '@fairlead/core/transport'

import type { DatagramCarrier } from './options.ts'
import type { Payload } from './payload.ts'
import { BundleReader } from './reader.ts'
import { SequenceWindow } from './sequence-window.ts'

/** The way in of a bundle: which datagrams are heard. */
export class BundleReceiver<M> {
  received = 0
  receivedDatagrams = 0
  malformed = 0
  /** Made when the first number comes. */
  window: SequenceWindow | undefined
  readonly #carrier: DatagramCarrier
  readonly #slot: HandlerSlot<M>
  readonly #payload: Payload<M>
  #toldOfMalformed = false

  constructor(carrier: DatagramCarrier, slot: HandlerSlot<M>, payload: Payload<M>) {
    this.#carrier = carrier
    this.#slot = slot
    this.#payload = payload
  }

  receive(datagram: Uint8Array): void {
    const bundle = new BundleReader(datagram)
    if (bundle.fault !== undefined) return this.#refuse(bundle.fault)
    this.#toldOfMalformed = false
    this.receivedDatagrams++
    if (bundle.sequence !== undefined && !this.#isNew(bundle.sequence)) return
    this.received += bundle.messages
    // Once nobody wants more, the slot keeps the rest; the carrier is paused by then.
    while (bundle.next()) this.#slot.push(this.#payload.take(bundle.bytes, bundle.start, bundle.end))
  }

  #isNew(sequence: number): boolean {
    this.window ??= new SequenceWindow()
    return this.window.note(sequence)
  }

  /** Counted each time, and told of the first in a row. */
  #refuse(fault: string): void {
    this.malformed++
    if (this.#toldOfMalformed) return
    this.#toldOfMalformed = true
    const facts = { side: 'remote', phase: 'read', peer: this.#carrier.remoteAddress } as const
    this.#slot.trouble(new ProtocolError(`Cannot read datagram: ${fault}`, facts))
  }
}
