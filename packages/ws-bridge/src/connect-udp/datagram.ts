import { type Capsule, CapsuleDecoder, CapsuleError, datagramType } from './capsule.ts'
import { varintLength, VarintReader, writeVarint } from './varint.ts'

/** Bytes of the largest UDP payload that there can be (RFC 9298 section 5). */
export const maxPayload = 65_527

/** A payload of that length behind the longest context ID. */
const maxValue = maxPayload + 8

/**
 * Bytes of the longest capsule that is skipped. The RFC knows no limit; nobody who means well has one of this length,
 * and a peer that claims more than it will ever send is told at once.
 */
const maxSkipped = 16 * 1024 * 1024

/** The context of UDP payloads (RFC 9298 section 4). */
const udpContext = 0

/** A UDP payload in a DATAGRAM capsule. */
export function encodeDatagram(payload: Uint8Array): Uint8Array {
  const length = 1 + payload.length
  const bytes = Buffer.allocUnsafe(1 + varintLength(length) + length)
  const at = writeVarint(bytes, writeVarint(bytes, 0, datagramType), length)
  bytes.set(payload, writeVarint(bytes, at, udpContext))
  return bytes
}

/** Cuts the UDP payloads from a stream of capsules; all else that it carries is counted and dropped. */
export class DatagramDecoder {
  readonly #capsules = new CapsuleDecoder(datagramType, { maxValue, maxSkipped })
  #foreign = 0

  /** Capsules of other types, and datagrams of other contexts. */
  get ignored(): number {
    return this.#capsules.skipped + this.#foreign
  }

  /** Adds input; the decoder owns the bytes. */
  push(chunk: Uint8Array): void {
    this.#capsules.push(chunk)
  }

  /** The next payload, or undefined when more input is needed. @throws CapsuleError */
  next(): Uint8Array | undefined {
    for (let capsule = this.#capsules.next(); capsule; capsule = this.#capsules.next()) {
      const payload = payloadOf(capsule)
      if (payload) return payload
      this.#foreign++
    }
    return undefined
  }

  /** The stream ended, and {@link next} gave all. @throws CapsuleError when that cut a capsule off. */
  end(): void {
    this.#capsules.end()
  }
}

/** The UDP payload; undefined in another context, of which nobody told us (RFC 9298 sections 4 and 5). */
function payloadOf({ length, value }: Capsule): Uint8Array | undefined {
  // What a capsule has to say must be in it (RFC 9297 section 3.3).
  if (length === 0) throw new CapsuleError('a datagram has no context ID')
  const context = new VarintReader()
  const at = context.read(value, 0)
  if (context.begun) throw new CapsuleError('a datagram ends within its context ID')
  if (context.value !== udpContext) return undefined
  if (length - at <= maxPayload) return value.subarray(at)
  throw new CapsuleError(`a UDP payload of ${length - at} bytes is longer than ${maxPayload}`)
}
