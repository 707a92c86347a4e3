import { type Address, LimitError } from '@fairlead/core'
import type { ByteBuffer } from '@fairlead/core/transport'

import { addressOf, bytesOf, type Endpoints, endpointsOf } from './endpoints.ts'
import { invalidHeader, type ProxyHeader } from './header.ts'
import { checksumTlv, checksumTlvLength, joinTlvs, readTlvs } from './tlvs.ts'

/** Bytes of the part before the addresses: signature, version and command, family and transport, length. */
const fixedLength = 16
/** The longest header that the length field can announce. */
export const longestHeader = fixedLength + 65_535
/** Bytes of the path of a Unix socket. */
const pathLength = 108

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n')
const commands = ['local', 'proxy'] as const
const transports = ['unspecified', 'stream', 'datagram'] as const
const families = { 4: 1, 6: 2, unix: 3 } as const
/** Bytes of both addresses, by family: unspecified, IPv4, IPv6, Unix. */
const blockLengths = [0, 12, 36, 2 * pathLength] as const

/**
 * The length of the header that `bytes` begin with, or undefined as long as it is not told.
 *
 * @throws ProtocolError at the first byte that cannot belong to one, LimitError when it is beyond `maxLength`.
 */
export function measureBinary(bytes: ByteBuffer, maxLength: number): number | undefined {
  const last = Math.min(bytes.length, signature.length)
  for (let index = 0; index < last; index++) {
    if (bytes.at(index) !== signature[index]) throw invalidHeader('not the signature')
  }
  if (bytes.length > 12) checkCommand(bytes.at(12))
  // Section 2.2: with LOCAL the family is ignored.
  if (bytes.length > 13 && bytes.at(12) === 0x21) checkFamily(bytes.at(13))
  if (bytes.length < fixedLength) return undefined
  const length = fixedLength + ((bytes.at(14) << 8) | bytes.at(15))
  if (length <= maxLength) return length
  throw new LimitError(`Cannot read PROXY header: ${length} bytes are more than maxLength ${maxLength}`, {
    limit: 'maxLength',
    value: length,
    phase: 'handshake',
  })
}

/** Reads a whole header that was measured. */
export function parseBinary(bytes: Buffer): ProxyHeader {
  const command = commands[bytes.readUInt8(12) & 15] ?? 'local'
  const family = bytes.readUInt8(13) >> 4
  const transport = transports[bytes.readUInt8(13) & 15] ?? 'unspecified'
  // What follows then is of no known form, and to be ignored (section 2.2).
  if (command === 'local' || family === 0 || transport === 'unspecified') {
    return { version: 2, command, transport: 'unspecified', tlvs: [] }
  }
  const end = fixedLength + (blockLengths[family] ?? 0)
  if (end > bytes.length) throw invalidHeader('too short for its addresses')
  const [source, destination] = addressesIn(bytes.subarray(fixedLength, end))
  return { version: 2, command, transport, source, destination, tlvs: readTlvs(bytes, end) }
}

/**
 * Writes a header. Addresses that it cannot have (of a memory transport, or of families that do not go together)
 * are left out, and the transport is unspecified.
 *
 * @throws RangeError when it would be longer than a header can be; TypeError for TLVs without addresses.
 */
export function encodeBinary(header: ProxyHeader, checksum: boolean): Buffer {
  const { command, transport, source, destination, tlvs } = header
  const named = command === 'proxy' && transport !== 'unspecified' && source && destination
  const endpoints = named ? endpointsOf(source, destination) : undefined
  if (endpoints === undefined) {
    if (checksum || tlvs.length > 0) {
      const name = checksum ? 'checksum' : 'tlvs'
      throw new TypeError(`Invalid option ${name}: only a header with addresses has it`)
    }
    return Buffer.from([...signature, 0x20 | commands.indexOf(command), 0, 0, 0])
  }
  const family = families[endpoints.family]
  const behind = Buffer.concat([blockOf(endpoints), joinTlvs(tlvs)])
  const length = behind.length + (checksum ? checksumTlvLength : 0)
  if (length > longestHeader - fixedLength) {
    throw new RangeError(`Invalid option tlvs: ${length} bytes are more than a header can have`)
  }
  const fixed = [...signature, 0x21, (family << 4) | transports.indexOf(transport), length >> 8, length & 255]
  const bytes = Buffer.concat([Buffer.from(fixed), behind])
  return checksum ? Buffer.concat([bytes, checksumTlv(bytes)]) : bytes
}

function checkCommand(byte: number): void {
  if (byte >> 4 !== 2) throw invalidHeader('not version 2 behind its signature')
  if ((byte & 15) >= commands.length) throw invalidHeader('unknown command')
}

function checkFamily(byte: number): void {
  if (byte >> 4 >= blockLengths.length) throw invalidHeader('unknown address family')
  if ((byte & 15) >= transports.length) throw invalidHeader('unknown transport')
}

function addressesIn(block: Buffer): [source: Address, destination: Address] {
  if (block.length === 2 * pathLength) {
    return [pathIn(block.subarray(0, pathLength)), pathIn(block.subarray(pathLength))]
  }
  const size = (block.length - 4) / 2
  return [
    addressOf(block.subarray(0, size), block.readUInt16BE(2 * size)),
    addressOf(block.subarray(size, 2 * size), block.readUInt16BE(2 * size + 2)),
  ]
}

function blockOf(endpoints: Endpoints): Buffer {
  if (endpoints.family === 'unix') {
    const block = Buffer.alloc(2 * pathLength)
    block.set(pathBytes('source', endpoints.source.path))
    block.set(pathBytes('destination', endpoints.destination.path), pathLength)
    return block
  }
  const { family, source, destination } = endpoints
  const ports = [source.port >> 8, source.port & 255, destination.port >> 8, destination.port & 255]
  return Buffer.from([...bytesOf(source, family), ...bytesOf(destination, family), ...ports])
}

/** A path ends at the first NUL; one that begins with NUL is a name in Linux's abstract namespace. */
function pathIn(bytes: Buffer): Address {
  const end = bytes.indexOf(0, bytes[0] === 0 ? 1 : 0)
  const path = bytes.toString('utf8', 0, end === -1 ? bytes.length : end)
  return { kind: 'unix', path: path === '\0' ? '' : path }
}

function pathBytes(name: string, path: string): Buffer {
  const bytes = Buffer.from(path)
  if (bytes.length <= pathLength && !bytes.includes(0, 1)) return bytes
  throw new RangeError(`Invalid option ${name}: is not a path of at most ${pathLength} bytes`)
}
