import type { Address } from '@fairlead/core'
import { ipAddress } from '@fairlead/core'
import { encodeProxyHeader, type ProxyHeader, type Tlv } from '@fairlead/tcp/proxy-protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { cut, decode, plain } from './decoding.ts'

const places = fc.array(fc.nat(), { maxLength: 20 })
const port = fc.nat(65_535)
const family4 = fc.tuple(fc.ipV4(), port).map(([host, port]) => ipAddress(host, port))
const family6 = fc.tuple(fc.ipV6(), port).map(([host, port]) => ipAddress(host, port))
const path = fc
  .string({ unit: 'binary', maxLength: 30 })
  .filter((path) => !path.includes('\0') && Buffer.from(path).toString() === path)
const unix = path.map((path): Address => ({ kind: 'unix', path }))
const pair = (address: fc.Arbitrary<Address>) => fc.record({ source: address, destination: address })
const inet = fc.oneof(pair(family4), pair(family6), pair(fc.oneof(family4, family6)))
const tlv: fc.Arbitrary<Tlv> = fc.record({
  // Checksum and padding are not given, and others have a form of their own.
  type: fc.nat(255).filter((type) => ![3, 4, 5, 0x20].includes(type)),
  value: fc.uint8Array({ maxLength: 40 }),
})

test('any version 1 header, cut anywhere, comes out as it went in', () => {
  fc.assert(
    fc.property(inet, fc.string(), places, (addresses, rest, cuts) => {
      const header: ProxyHeader = {
        version: 1,
        command: 'proxy',
        transport: 'stream',
        ...addresses,
        tlvs: [],
      }
      const bytes = Buffer.concat([encodeProxyHeader(header), Buffer.from(rest)])
      expect(decode(cut(bytes, cuts))).toEqual({ header, rest: Buffer.from(rest).toString('latin1') })
    }),
  )
})

test('any version 2 header, cut anywhere, comes out as it went in', () => {
  const addresses = fc.oneof(inet, pair(unix))
  const transport = fc.constantFrom('stream' as const, 'datagram' as const)
  const all = [
    addresses,
    transport,
    fc.array(tlv, { maxLength: 10 }),
    fc.boolean(),
    fc.string(),
    places,
  ] as const
  fc.assert(
    fc.property(...all, (addresses, transport, tlvs, checksum, rest, cuts) => {
      const header: ProxyHeader = { version: 2, command: 'proxy', transport, ...addresses, tlvs }
      const bytes = Buffer.concat([encodeProxyHeader({ ...header, checksum }), Buffer.from(rest)])
      const outcome = { header: plain(header), rest: Buffer.from(rest).toString('latin1') }
      expect(decode(cut(bytes, cuts))).toEqual(outcome)
    }),
  )
})

/** Bytes that begin like a header, and then do as they like. */
const start = fc.constantFrom(
  '',
  'PROXY ',
  'PROXY TCP4 1.2.3.4 ',
  'PROXY TCP6 ::1 ',
  'PROXY UNKNOWN',
  '\r\n\r\n\0\r\nQUIT\n',
  '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x20',
  '\r\n\r\n\0\r\nQUIT\n\x21\x31\0\xf0',
)
const byte = fc.oneof(fc.constantFrom(0, 3, 4, 0x0a, 0x0d, 0x20, 0x2e, 0x30, 0x3a), fc.nat(255))

test('any bytes, cut anywhere, give the same: a header, more to wait for, or an error of the peer', () => {
  fc.assert(
    fc.property(start, fc.array(byte, { maxLength: 300 }), places, (start, input, cuts) => {
      const bytes = Buffer.concat([Buffer.from(start, 'latin1'), Buffer.from(input)])
      expect(decode(cut(bytes, cuts))).toEqual(decode([bytes]))
    }),
    { numRuns: 2_000 },
  )
})

test('one byte changed in a header with a checksum never gives other addresses', () => {
  const source = ipAddress('192.0.2.1', 1)
  const bytes = encodeProxyHeader({ source, destination: source, checksum: true })
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 27 }), fc.integer({ min: 1, max: 255 }), (place, change) => {
      const spoiled = Buffer.from(bytes)
      spoiled[place] = (spoiled[place] as number) ^ change
      expect(decode([spoiled])).toBe('protocol error')
    }),
  )
})
