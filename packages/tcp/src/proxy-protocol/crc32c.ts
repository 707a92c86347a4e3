/** The Castagnoli polynomial, its bits reversed (RFC 4960 appendix B). */
const polynomial = 0x82_f6_3b_78

const table = new Uint32Array(256).map((_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0)
  return remainder
})

/** The CRC32c checksum of `bytes`, or of what `before` is the checksum of followed by `bytes`. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let remainder = ~before
  for (const byte of bytes) remainder = (remainder >>> 8) ^ (table[(remainder ^ byte) & 255] as number)
  return ~remainder >>> 0
}
