import { type Address, ipAddress } from '@fairlead/core'
import type { ByteBuffer } from '@fairlead/core/transport'

import { endpointsOf } from './endpoints.ts'
import { invalidHeader, type ProxyHeader } from './header.ts'

/** Bytes of the longest line, its CR LF included (section 2.1). */
const longestLine = 107
const start = Buffer.from('PROXY ')
const carriageReturn = 13
const lineFeed = 10

const host4 = String.raw`([\d.]+)`
const host6 = String.raw`([\da-fA-F]*:[\da-fA-F:.]+)`
const port = String.raw`(0|[1-9]\d{0,4})`
const known = `(?:TCP4 ${host4} ${host4}|TCP6 ${host6} ${host6}) ${port} ${port}`
const grammar = new RegExp(`^PROXY (?:UNKNOWN(?: .*)?|${known})\r\n$`)

/**
 * The length of the line that `bytes` begin with, or undefined as long as its end is not there.
 *
 * @throws ProtocolError at the first byte that cannot belong to such a line, its addresses left aside.
 */
export function measureLine(bytes: ByteBuffer): number | undefined {
  const last = Math.min(bytes.length, longestLine)
  let afterReturn = false
  for (let index = 0; index < last; index++) {
    const byte = bytes.at(index)
    if (index < start.length && byte !== start[index]) throw invalidHeader('not a PROXY line')
    // Section 2.1: neither stands alone.
    if (afterReturn !== (byte === lineFeed)) throw invalidHeader('CR or LF alone')
    if (afterReturn) return index + 1
    afterReturn = byte === carriageReturn
  }
  if (last === longestLine) throw invalidHeader(`no line end within ${longestLine} bytes`)
  return undefined
}

/** Reads a whole line, its CR LF included. */
export function parseLine(line: Buffer): ProxyHeader {
  const match = grammar.exec(line.toString('latin1'))
  if (!match) throw invalidHeader('not the grammar of a PROXY line')
  const [, source4, destination4, source6, destination6, sourcePort, destinationPort] = match
  if (sourcePort === undefined) return { version: 1, command: 'proxy', transport: 'unspecified', tlvs: [] }
  return {
    version: 1,
    command: 'proxy',
    transport: 'stream',
    source: addressIn(source4 ?? source6, sourcePort),
    destination: addressIn(destination4 ?? destination6, destinationPort),
    tlvs: [],
  }
}

/**
 * Writes a line. What it cannot name (datagrams, Unix sockets, a connection of the proxy's own) is `UNKNOWN`, as
 * section 2.1 asks.
 */
export function encodeLine({ command, transport, source, destination }: ProxyHeader): Buffer {
  const named = command === 'proxy' && transport === 'stream' && source && destination
  const endpoints = named ? endpointsOf(source, destination) : undefined
  if (endpoints === undefined || endpoints.family === 'unix') return Buffer.from('PROXY UNKNOWN\r\n')
  const { family, source: from, destination: to } = endpoints
  const hosts = [from, to].map(({ family: own, host }) => (own === family ? host : `::ffff:${host}`))
  return Buffer.from(`PROXY TCP${family} ${hosts.join(' ')} ${from.port} ${to.port}\r\n`)
}

function addressIn(host: string | undefined, port: string | undefined): Address {
  try {
    return ipAddress(host ?? '', Number(port))
  } catch {
    throw invalidHeader('not an address and port')
  }
}
