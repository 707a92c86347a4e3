import { crc32c } from './crc32c.ts'
import { invalidHeader, type Tlv } from './header.ts'

/** The registered types (section 2.2). */
export const types = {
  alpn: 0x01,
  authority: 0x02,
  checksum: 0x03,
  padding: 0x04,
  uniqueId: 0x05,
  tls: 0x20,
  namespace: 0x30,
} as const

/** Bytes of a type and a length. */
const prefixLength = 3
const checksumLength = 4
export const checksumTlvLength = prefixLength + checksumLength
export const longestUniqueId = 128
/** Bytes of the flags and the result of verification, in front of the TLVs within `types.tls`. */
export const tlsPrefixLength = 5

/** Cuts TLVs out of `bytes`, from `start` to the end; the values are views. */
export function splitTlvs(bytes: Buffer, start: number): Tlv[] {
  const tlvs: Tlv[] = []
  for (let at = start; at < bytes.length;) {
    const begin = at + prefixLength
    const end = begin <= bytes.length ? begin + bytes.readUInt16BE(at + 1) : Infinity
    if (end > bytes.length) throw invalidHeader('a TLV reaches beyond the end')
    tlvs.push({ type: bytes.readUInt8(at), value: bytes.subarray(begin, end) })
    at = end
  }
  return tlvs
}

/** The TLVs of a whole header, checked, and without those that only serve the header: checksum and padding. */
export function readTlvs(header: Buffer, start: number): Tlv[] {
  if (start === header.length) return []
  // A copy, so that a TLV does not keep the whole chunk it came in.
  const bytes = Buffer.from(header)
  const tlvs = splitTlvs(bytes, start)
  for (const tlv of tlvs) checkTlv(tlv)
  verifyChecksum(bytes, tlvs)
  return tlvs.filter(({ type }) => type !== types.checksum && type !== types.padding)
}

/** Writes TLVs one behind the other. */
export function joinTlvs(tlvs: readonly Tlv[]): Buffer {
  return Buffer.concat(
    tlvs.flatMap(({ type, value }) => [Buffer.from([type, value.length >> 8, value.length & 255]), value]),
  )
}

/** A TLV of the checksum of `header`, whose length counts that TLV already. */
export function checksumTlv(header: Buffer): Buffer {
  const tlv = Buffer.from([types.checksum, 0, checksumLength, 0, 0, 0, 0])
  tlv.writeUInt32BE(crc32c(tlv, crc32c(header)), prefixLength)
  return tlv
}

/** Section 2.2.3: the checksum is that of the header with zeros in place of the checksum. */
function verifyChecksum(header: Buffer, tlvs: readonly Tlv[]): void {
  const [value, another] = tlvs.filter(({ type }) => type === types.checksum).map((tlv) => tlv.value)
  if (value === undefined) return
  if (another !== undefined) throw invalidHeader('two checksums')
  const at = value.byteOffset - header.byteOffset
  const before = crc32c(new Uint8Array(checksumLength), crc32c(header.subarray(0, at)))
  const sum = crc32c(header.subarray(at + checksumLength), before)
  if (sum !== header.readUInt32BE(at)) throw invalidHeader('wrong checksum')
}

function checkTlv({ type, value }: Tlv): void {
  if (type === types.checksum && value.length !== checksumLength) {
    throw invalidHeader('a checksum not of 4 bytes')
  }
  if (type === types.uniqueId && value.length > longestUniqueId) {
    throw invalidHeader(`a unique id of more than ${longestUniqueId} bytes`)
  }
  if (type !== types.tls) return
  if (value.length < tlsPrefixLength) throw invalidHeader('TLS facts of less than 5 bytes')
  splitTlvs(value as Buffer, tlsPrefixLength)
}
