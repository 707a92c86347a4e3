import type { Address } from '@fairlead/core'
import { encodeProxyHeader, type ProxyHeaderInit } from '@fairlead/tcp/proxy-protocol'
import { describe, expect, test } from 'vitest'

import { cut, decode, header, type Outcome } from './decoding.ts'

/** Bytes from hexadecimal digits, however they are grouped. */
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(/\s/g, ''), 'hex')
const signature = '0d0a0d0a000d0a515549540a'
const ipv4 = '01020304 05060708 0009 ffff'
const ipv6 = '20010db8000000000000000000000001 00000000000000000000000000000001 0009 000a'
const unixPath = (path: string): string => Buffer.from(path).toString('hex').padEnd(216, '0')
const v4 = header(2, ['1.2.3.4', 9], ['5.6.7.8', 65_535])
const v6 = header(2, ['2001:db8::1', 9], ['::1', 10])
const unix = (path: string): Address => ({ kind: 'unix', path })
const local: Outcome = {
  header: { version: 2, command: 'local', transport: 'unspecified', tlvs: [] },
  rest: '',
}
const unspecified: Outcome = {
  header: { version: 2, command: 'proxy', transport: 'unspecified', tlvs: [] },
  rest: '',
}
const bad = 'protocol error'
const tlv = (type: number, value: string | Buffer) => ({ type, value: Buffer.from(value as string) })

/** Section 2.2, rule by rule. `$` stands for the signature. */
const transcripts: [string, string, Outcome][] = [
  ['TCP over IPv4', `$ 21 11 000c ${ipv4} 4441`, { header: v4, rest: 'DA' }],
  ['UDP over IPv4', `$ 21 12 000c ${ipv4}`, { header: { ...v4, transport: 'datagram' }, rest: '' }],
  ['TCP over IPv6', `$ 21 21 0024 ${ipv6} 0d0a`, { header: v6, rest: '\r\n' }],
  ['UDP over IPv6', `$ 21 22 0024 ${ipv6}`, { header: { ...v6, transport: 'datagram' }, rest: '' }],
  [
    'IPv4 within IPv6',
    `$ 21 21 0024 00000000000000000000ffff01020304 00000000000000000000000000000001 0009 000a`,
    { header: header(2, ['1.2.3.4', 9], ['::1', 10]), rest: '' },
  ],
  [
    'Unix stream',
    `$ 21 31 00d8 ${unixPath('/run/a')} ${unixPath('x'.repeat(108))} 44`,
    { header: { ...v4, source: unix('/run/a'), destination: unix('x'.repeat(108)) }, rest: 'D' },
  ],
  [
    'Unix datagram, unnamed and abstract',
    `$ 21 32 00d8 ${unixPath('')} ${unixPath('\0name')}`,
    { header: { ...v4, transport: 'datagram', source: unix(''), destination: unix('\0name') }, rest: '' },
  ],
  [
    'a path with more behind its NUL',
    `$ 21 31 00d8 ${unixPath('/a\0garbage')} ${unixPath('/b')}`,
    { header: { ...v4, source: unix('/a'), destination: unix('/b') }, rest: '' },
  ],
  ['local', '$ 20 00 0000', local],
  ['local with addresses, which are skipped', `$ 20 11 000c ${ipv4}`, local],
  ['local with a family unheard of', '$ 20 ff 0003 ffffff', local],
  // HAProxy 2.6 on behalf of a client on a Unix socket.
  ['local with TLVs', '$ 20 00 0012 030004955e6a0005000020000500 00000000', local],
  ['unspecified', '$ 21 00 0000', unspecified],
  ['unspecified, with bytes of no known form', '$ 21 00 0005 ffffffffff', unspecified],
  ['no transport', `$ 21 10 000c ${ipv4}`, unspecified],
  ['no family', '$ 21 01 0000', unspecified],
  [
    'TLVs, without padding',
    `$ 21 11 001e ${ipv4} 01 0002 6832  04 0003 000000  e0 0000  ea 0001 ff`,
    { header: { ...v4, tlvs: [tlv(1, 'h2'), tlv(0xe0, ''), tlv(0xea, Buffer.from([255]))] }, rest: '' },
  ],
  [
    'HAProxy 2.6 with a checksum and a unique id',
    '$ 2111002a 7f0000017f000001bdda4a9e 0300040f434c70 05000c69642d3132372e302e302e31 2000050000000000 44415441',
    {
      header: header(2, ['127.0.0.1', 48_602], ['127.0.0.1', 19_102], {
        tlvs: [tlv(5, 'id-127.0.0.1'), tlv(0x20, Buffer.alloc(5))],
      }),
      rest: 'DATA',
    },
  ],

  ['nothing of the length', '$ 21 11', 'incomplete'],
  ['all but the last byte', `$ 21 11 000c 0102030405060708 0009 ff`, 'incomplete'],
  ['a signature that is none', '0d0a0d0a000d0a515549540d 21 11 000c', bad],
  ['CR LF CR LF alone', '0d0a0d0a 0d0a', bad],
  ['version 1 in the binary form', `$ 11 11 000c ${ipv4}`, bad],
  ['version 3', `$ 31 11 000c ${ipv4}`, bad],
  ['another command', `$ 22 11 000c ${ipv4}`, bad],
  ['another family', `$ 21 41 000c ${ipv4}`, bad],
  ['another transport', `$ 21 13 000c ${ipv4}`, bad],
  ['IPv4 too short', '$ 21 11 000b 01020304 05060708 0009 ff', bad],
  ['IPv6 too short', `$ 21 21 000c ${ipv4}`, bad],
  ['Unix too short', `$ 21 31 006c ${unixPath('/a')}`, bad],
  ['half a TLV', `$ 21 11 000e ${ipv4} 0100`, bad],
  ['a TLV beyond the end', `$ 21 11 0010 ${ipv4} 01 0002 68 32`, bad],
  ['a wrong checksum', '$ 2111 0013 7f0000017f000001bdda4a9e 0300040f434c70', bad],
  ['a checksum of 3 bytes', `$ 2111 0012 ${ipv4} 030003000000`, bad],
  ['two checksums', '$ 2111 001a 7f0000017f000001bdda4a9e 03000400000000 03000400000000', bad],
  ['a unique id of 129 bytes', `$ 2111 0090 ${ipv4} 050081 ${'00'.repeat(129)}`, bad],
  ['TLS facts of 4 bytes', `$ 2111 0013 ${ipv4} 200004 00000000`, bad],
  ['a TLV beyond the TLS facts', `$ 2111 0017 ${ipv4} 200008 0000000000 210001`, bad],

  ['a header beyond the limit', '$ 21 11 0ff1', 'limit: maxLength'],
  ['the longest header', '$ 21 11 ffff', 'limit: maxLength'],
  ['a local header beyond the limit', '$ 20 00 ffff', 'limit: maxLength'],
]

describe.each(transcripts)('%s', (_, input, outcome) => {
  const bytes = hex(input.replace('$', signature))

  test('as a whole', () => expect(decode([bytes])).toEqual(outcome))

  test('byte by byte', () => expect(decode(cut(bytes, [...bytes.keys()]))).toEqual(outcome))

  test('cut at every place', () => {
    for (let place = 1; place < bytes.length; place++) {
      expect(decode(cut(bytes, [place])), `cut at ${place}`).toEqual(outcome)
    }
  })
})

test('is refused at the first byte that cannot be one', () => {
  const good = hex(`${signature} 21 11`)
  for (let length = 0; length < good.length; length++) {
    const start = good.subarray(0, length)
    expect(decode([start]), `${length} bytes`).toBe('incomplete')
    expect(decode([start, Buffer.from([0xee])]), `${length} bytes and a wrong one`).toBe(bad)
  }
})

describe('maxLength', () => {
  test('counts the whole header', () => {
    const bytes = hex(`${signature} 20 00 0010 ${'00'.repeat(16)}`)
    expect(decode([bytes], { maxLength: 32 })).toEqual(local)
    expect(decode([bytes], { maxLength: 31 })).toBe('limit: maxLength')
  })

  test('may be all that a header can have', () => {
    const tlvs = [tlv(0xe0, Buffer.alloc(65_535 - 12 - 3, 1))]
    const bytes = encodeProxyHeader({ ...v4, version: 2, tlvs })
    expect(bytes).toHaveLength(65_551)
    expect(decode(cut(bytes, [5, 1_000, 40_000]), { maxLength: 65_551 })).toEqual({
      header: { ...v4, tlvs },
      rest: '',
    })
  })

  test.each([0, 15, 65_552, 20.5, Number.NaN, Infinity])('%d is no limit', (maxLength) => {
    expect(() => decode([], { maxLength })).toThrow(RangeError)
    expect(() => decode([], { maxLength })).toThrow('Invalid option maxLength')
  })
})

describe('encoding', () => {
  const { source, destination } = v4 as Required<typeof v4>
  const checksummed = hex(`${signature} 2111 0013 7f0000017f000001bdda4a9e 03000400000000`)
  const headers: [string, ProxyHeaderInit, string][] = [
    ['TCP over IPv4', { source, destination }, `21 11 000c ${ipv4}`],
    ['UDP over IPv4', { transport: 'datagram', source, destination }, `21 12 000c ${ipv4}`],
    ['TCP over IPv6', { ...v6, version: 2 }, `21 21 0024 ${ipv6}`],
    [
      'both',
      { source, destination: v6.destination as Address },
      '21 21 0024 00000000000000000000ffff01020304 00000000000000000000000000000001 0009 000a',
    ],
    [
      'Unix sockets',
      { source: unix(''), destination: unix('/run/a') },
      `21 31 00d8 ${unixPath('')} ${unixPath('/run/a')}`,
    ],
    ['TLVs', { source, destination, tlvs: [tlv(1, 'h2')] }, `21 11 0011 ${ipv4} 01 0002 6832`],
    ['local', { command: 'local', source, destination }, '20 00 0000'],
    ['nothing', {}, '21 00 0000'],
    ['no transport', { transport: 'unspecified', source, destination }, '21 00 0000'],
    ['a Unix socket beside TCP', { source: unix('/a'), destination }, '21 00 0000'],
    ['another transport', { source: { kind: 'memory', name: 'm' }, destination }, '21 00 0000'],
  ]

  test.each(headers)('%s', (_, init, bytes) => {
    expect(Buffer.from(encodeProxyHeader(init)).toString('hex')).toBe(hex(signature + bytes).toString('hex'))
  })

  test('a checksum comes last and covers the whole header', () => {
    const bytes = encodeProxyHeader({
      ...header(2, ['127.0.0.1', 48_602], ['127.0.0.1', 19_102]),
      checksum: true,
    })
    expect(bytes.subarray(0, -4)).toEqual(checksummed.subarray(0, -4))
    for (let place = 16; place < bytes.length; place++) {
      const spoiled = Buffer.from(bytes)
      spoiled[place] = (spoiled[place] as number) ^ 1
      // A TLV of another type or length is no checksum, but none is well-formed here.
      if (place !== 28) expect(decode([spoiled]), `byte ${place}`).toBe(bad)
    }
  })

  const wrong: [string, unknown, string][] = [
    ['a version', { version: 3 }, 'version'],
    ['a command', { command: 'other' }, 'command'],
    ['a transport', { transport: 'tcp' }, 'transport'],
    ['a source alone', { source }, 'source'],
    ['a destination alone', { destination }, 'source'],
    ['a name', { source: { kind: 'ip', family: 4, host: 'a.b', port: 1 }, destination }, 'source'],
    ['a port', { source, destination: { kind: 'ip', family: 4, host: '::1', port: -1 } }, 'destination'],
    ['a long path', { source: unix('/a'), destination: unix('ä'.repeat(55)) }, 'destination'],
    ['a path with a NUL', { source: unix('/a\0b'), destination: unix('/a') }, 'source'],
    ['a type of TLV', { source, destination, tlvs: [tlv(256, '')] }, 'tlvs'],
    ['text as a TLV', { source, destination, tlvs: [{ type: 1, value: 'h2' }] }, 'tlvs'],
    ['a checksum as a TLV', { source, destination, tlvs: [tlv(3, '1234')] }, 'tlvs'],
    ['too long a TLV', { source, destination, tlvs: [tlv(0xe0, Buffer.alloc(65_536))] }, 'tlvs'],
    ['too long TLVs', { source, destination, tlvs: [tlv(0xe0, Buffer.alloc(65_535 - 14))] }, 'tlvs'],
    ['TLVs and no addresses', { tlvs: [tlv(1, 'h2')] }, 'tlvs'],
    ['TLVs that are local', { command: 'local', source, destination, tlvs: [tlv(1, 'h2')] }, 'tlvs'],
    ['a checksum and no addresses', { checksum: true }, 'checksum'],
    ['TLVs in version 1', { version: 1, source, destination, tlvs: [tlv(1, 'h2')] }, 'tlvs'],
    ['a checksum in version 1', { version: 1, source, destination, checksum: true }, 'checksum'],
    ['a checksum that is text', { source, destination, checksum: 'yes' }, 'checksum'],
  ]

  test.each(wrong)('refuses %s', (_, init, option) => {
    expect(() => encodeProxyHeader(init as ProxyHeaderInit)).toThrow(`Invalid option ${option}`)
  })
})
