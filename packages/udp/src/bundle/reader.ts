import { headerSize, maxLengthSize, plainBundle, sequencedBundle } from './wire.ts'

/**
 * Reads the messages of one datagram: first as a whole, so that nothing is heard of one that is malformed, then
 * one after the other. Whatever the bytes are, it costs a few steps for each and throws nothing.
 */
export class BundleReader {
  /** What is wrong with the datagram; if anything, the rest means nothing. */
  readonly fault: string | undefined
  readonly sequence: number | undefined
  /** How many there are. */
  readonly messages: number
  /** Where the message that {@link next} came to begins in {@link bytes}, and where it ends. */
  start = 0
  end: number
  readonly bytes: Buffer

  constructor(datagram: Uint8Array) {
    const { buffer, byteOffset, byteLength } = datagram
    this.bytes = datagram instanceof Buffer ? datagram : Buffer.from(buffer, byteOffset, byteLength)
    const sequenced = this.bytes[0] === sequencedBundle
    const first = (this.end = headerSize(sequenced))
    if (!sequenced && this.bytes[0] !== plainBundle) this.fault = 'this is no bundle of version 1'
    else if (byteLength < first) this.fault = 'the sequence number is cut off'
    else if (sequenced) this.sequence = this.bytes.readUInt32BE(1)
    let messages = 0
    while (this.fault === undefined && this.end < byteLength) {
      if (this.next()) messages++
      else this.fault = 'a message has no valid length'
    }
    this.messages = messages
    this.end = first
  }

  /** Goes on to the next message. False when there is none, or none that is whole. */
  next(): boolean {
    const { bytes } = this
    let at = this.end
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined || shift === maxLengthSize * 7) return false
      length |= (byte & 127) << shift
      if (byte >= 128) continue
      // There is one way to write a length: the shortest.
      if (byte === 0 && shift > 0) return false
      break
    }
    this.start = at
    this.end = at + length
    return this.end <= bytes.length
  }
}
