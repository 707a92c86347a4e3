import { LimitError } from '@fairlead/core'

import { dataFrom, maxDatagram, maxEntries, maxLabel, type Service } from './service.ts'
import { maxText, plainFrom } from './text.ts'

/** Somebody offers a service; with lifetime 0, no longer. */
export interface Announce {
  readonly kind: 'announce'
  /** Random for each announcement: 32 hexadecimal digits. */
  readonly id: string
  /** Grows with each change; what is older than what is known is out of date. */
  readonly revision: number
  /** Milliseconds for which this holds. */
  readonly lifetime: number
  readonly service: Required<Service>
}

/** Somebody looks for a service: a type, or empty for all. */
export interface Query {
  readonly kind: 'query'
  readonly type: string
}

/** What goes over the wire, as docs/wire/DISCOVERY.md has it. */
export type Message = Announce | Query

/** `FLD`, and the version. */
const magic = Uint8Array.of(0x46, 0x4c, 0x44, 1)
const kinds = { announce: 1, query: 2 } as const
/** Magic, kind, id, revision, lifetime, port. */
const headLength = 4 + 1 + 16 + 4 + 4 + 2

/** @throws LimitError when it does not fit into a datagram. */
export function encode(message: Message): Uint8Array {
  const kind = Uint8Array.of(kinds[message.kind])
  if (message.kind === 'query') return Buffer.concat([magic, kind, ...text(message.type)])
  const { id, revision, lifetime, service } = message
  const numbers = Buffer.alloc(headLength - 21)
  numbers.writeUInt32BE(revision, 0)
  numbers.writeUInt32BE(lifetime, 4)
  numbers.writeUInt16BE(service.port, 8)
  const entries = Object.entries(service.data)
  const body = [service.type, service.name].flatMap(text)
  const data = [Uint8Array.of(entries.length), ...entries.flat().flatMap(text)]
  const datagram = Buffer.concat([magic, kind, Buffer.from(id, 'hex'), numbers, ...body, ...data])
  const value = datagram.byteLength
  if (value <= maxDatagram) return datagram
  throw new LimitError(`Cannot announce: ${value} bytes are more than a datagram of ${maxDatagram}`, {
    limit: 'maxDatagramSize',
    value,
  })
}

function text(value: string): [Uint8Array, Uint8Array] {
  const bytes = Buffer.from(value)
  return [Uint8Array.of(bytes.byteLength), bytes]
}

/** Whether a datagram begins as those of this protocol and version do. */
export function isOurs(datagram: Uint8Array): boolean {
  return magic.every((byte, index) => datagram[index] === byte)
}

/** Reads a datagram; undefined when it is none of ours, or not well-formed. Never throws. */
export function decode(datagram: Uint8Array): Message | undefined {
  if (datagram.byteLength > maxDatagram || datagram.byteLength <= magic.byteLength) return undefined
  if (!isOurs(datagram)) return undefined
  const kind = datagram[magic.byteLength]
  if (kind === kinds.announce) return decodeAnnounce(datagram)
  return kind === kinds.query ? decodeQuery(datagram) : undefined
}

function decodeQuery(datagram: Uint8Array): Query | undefined {
  const type = new Texts(datagram, magic.byteLength + 1).next(0, maxLabel)
  return type === undefined ? undefined : { kind: 'query', type }
}

function decodeAnnounce(datagram: Uint8Array): Announce | undefined {
  if (datagram.byteLength < headLength) return undefined
  const head = Buffer.from(datagram.buffer, datagram.byteOffset, headLength)
  const port = head.readUInt16BE(29)
  const texts = new Texts(datagram, headLength)
  const type = texts.next(1, maxLabel)
  const name = texts.next(0, maxLabel)
  const entries = texts.entries()
  if (port === 0 || type === undefined || name === undefined || entries === undefined) return undefined
  return {
    kind: 'announce',
    id: head.toString('hex', 5, 21),
    revision: head.readUInt32BE(21),
    lifetime: head.readUInt32BE(25),
    service: Object.freeze({ type, name, port, data: dataFrom(entries) }),
  }
}

/** Reads one text after the other; those that later versions append are left unread. */
class Texts {
  readonly #datagram: Uint8Array
  #offset: number

  constructor(datagram: Uint8Array, offset: number) {
    this.#datagram = datagram
    this.#offset = offset
  }

  /** The next text; undefined when there is none of so many bytes. */
  next(least: number, most: number): string | undefined {
    const length = this.#datagram[this.#offset]
    if (length === undefined || length < least || length > most) return undefined
    const start = this.#offset + 1
    this.#offset = start + length
    return this.#offset > this.#datagram.byteLength
      ? undefined
      : plainFrom(this.#datagram.subarray(start, this.#offset))
  }

  /** A count, and as many pairs; undefined when they are not whole, or a key comes twice. */
  entries(): Map<string, string> | undefined {
    const count = this.#datagram[this.#offset++]
    if (count === undefined || count > maxEntries) return undefined
    const entries = new Map<string, string>()
    for (let i = 0; i < count; i++) {
      const key = this.next(1, maxLabel)
      const value = this.next(0, maxText)
      if (key === undefined || value === undefined || entries.has(key)) return undefined
      entries.set(key, value)
    }
    return entries
  }
}
