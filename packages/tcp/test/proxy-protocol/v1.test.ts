import { ipAddress } from '@fairlead/core'
import { encodeProxyHeader, ProxyHeaderDecoder } from '@fairlead/tcp/proxy-protocol'
import { describe, expect, test } from 'vitest'

import { cut, decode, header, type Outcome } from './decoding.ts'

const unknown = { version: 1, command: 'proxy', transport: 'unspecified', tlvs: [] } as const
const all = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
const longest = `PROXY UNKNOWN ${all} ${all} 65535 65535\r\n`
const bad = 'protocol error'

/** Section 2.1, rule by rule. */
const transcripts: [string, string, Outcome][] = [
  [
    'the example, before a request',
    'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n',
    {
      header: header(1, ['192.168.0.1', 56_324], ['192.168.0.11', 443]),
      rest: 'GET / HTTP/1.1\r\nHost: 192.168.0.11\r\n\r\n',
    },
  ],
  [
    'the longest line of IPv4',
    'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
    { header: header(1, ['255.255.255.255', 65_535], ['255.255.255.255', 65_535]), rest: '' },
  ],
  [
    'the longest line of IPv6',
    `PROXY TCP6 ${all} ${all} 65535 65535\r\n`,
    { header: header(1, [all, 65_535], [all, 65_535]), rest: '' },
  ],
  [
    'IPv6 as HAProxy sends it',
    'PROXY TCP6 ::1 ::1 46760 19105\r\nDATA',
    { header: header(1, ['::1', 46_760], ['::1', 19_105]), rest: 'DATA' },
  ],
  [
    'IPv6 in upper case and with zeros',
    'PROXY TCP6 2001:0DB8:0:0:0:0:0:00Fe 2001:db8:: 0 1\r\n',
    { header: header(1, ['2001:db8::fe', 0], ['2001:db8::', 1]), rest: '' },
  ],
  [
    'IPv4 within IPv6',
    'PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 5 6\r\n',
    { header: header(1, ['192.0.2.1', 5], ['2001:db8::1', 6]), rest: '' },
  ],
  ['unknown, short', 'PROXY UNKNOWN\r\n', { header: unknown, rest: '' }],
  ['unknown, with a space', 'PROXY UNKNOWN \r\n', { header: unknown, rest: '' }],
  ['unknown, the longest line', longest, { header: unknown, rest: '' }],
  ['unknown, with anything', 'PROXY UNKNOWN TCP4 \0\xff\t01\r\n', { header: unknown, rest: '' }],
  ['a line end behind the header', 'PROXY UNKNOWN\r\n\r\n', { header: unknown, rest: '\r\n' }],
  ['another header behind it', 'PROXY UNKNOWN\r\nPROXY', { header: unknown, rest: 'PROXY' }],

  ['nothing', '', 'incomplete'],
  ['a line without its LF', 'PROXY TCP4 1.2.3.4 1.2.3.4 5 6\r', 'incomplete'],
  ['106 bytes without an end', longest.slice(0, 106), 'incomplete'],
  ['107 bytes without an end', `PROXY UNKNOWN ${'x'.repeat(93)}`, bad],
  ['an end that is one byte late', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, bad],
  ['much without an end', `PROXY UNKNOWN ${'x'.repeat(5_000)}`, bad],
  ['another protocol', 'GET / HTTP/1.1\r\n', bad],
  ['another method', 'PUT / HTTP/1.1\r\n', bad],
  ['TLS', '\x16\x03\x01', bad],
  ['lower case', 'proxy TCP4 1.2.3.4 1.2.3.4 5 6\r\n', bad],
  ['lower case of the family', 'PROXY tcp4 1.2.3.4 1.2.3.4 5 6\r\n', bad],
  ['two spaces', 'PROXY  TCP4 1.2.3.4 1.2.3.4 5 6\r\n', bad],
  ['two spaces later', 'PROXY TCP4 1.2.3.4  1.2.3.4 5 6\r\n', bad],
  ['a space at the end', 'PROXY TCP4 1.2.3.4 1.2.3.4 5 6 \r\n', bad],
  ['a tab', 'PROXY TCP4\t1.2.3.4 1.2.3.4 5 6\r\n', bad],
  ['only LF', 'PROXY TCP4 1.2.3.4 1.2.3.4 5 6\n', bad],
  ['only CR', 'PROXY TCP4 1.2.3.4 1.2.3.4 5 6\rX', bad],
  ['two CR', 'PROXY UNKNOWN\r\r\n', bad],
  ['an LF inside unknown', 'PROXY UNKNOWN a\nb\r\n', bad],
  ['unknown that goes on', 'PROXY UNKNOWNS\r\n', bad],
  ['another family', 'PROXY UDP4 1.2.3.4 1.2.3.4 5 6\r\n', bad],
  ['no fields', 'PROXY TCP4\r\n', bad],
  ['one port', 'PROXY TCP4 1.2.3.4 1.2.3.4 5\r\n', bad],
  ['one field more', 'PROXY TCP4 1.2.3.4 1.2.3.4 5 6 7\r\n', bad],
  ['a port too high', 'PROXY TCP4 1.2.3.4 1.2.3.4 65536 6\r\n', bad],
  ['a port with a sign', 'PROXY TCP4 1.2.3.4 1.2.3.4 +5 6\r\n', bad],
  ['a port with a leading zero', 'PROXY TCP4 1.2.3.4 1.2.3.4 05 6\r\n', bad],
  ['a port of two zeros', 'PROXY TCP4 1.2.3.4 1.2.3.4 5 00\r\n', bad],
  ['an octal address', 'PROXY TCP4 01.2.3.4 1.2.3.4 5 6\r\n', bad],
  ['a number beyond 255', 'PROXY TCP4 1.2.3.256 1.2.3.4 5 6\r\n', bad],
  ['three numbers', 'PROXY TCP4 1.2.3 1.2.3.4 5 6\r\n', bad],
  ['IPv6 as IPv4', 'PROXY TCP4 ::1 ::1 5 6\r\n', bad],
  ['IPv4 as IPv6', 'PROXY TCP6 1.2.3.4 1.2.3.4 5 6\r\n', bad],
  ['two families', 'PROXY TCP6 ::1 1.2.3.4 5 6\r\n', bad],
  ['two gaps', 'PROXY TCP6 1::2::3 ::1 5 6\r\n', bad],
  ['seven groups', 'PROXY TCP6 1:2:3:4:5:6:7 ::1 5 6\r\n', bad],
  ['five digits', 'PROXY TCP6 ::12345 ::1 5 6\r\n', bad],
  ['a zone', 'PROXY TCP6 fe80::1%eth0 ::1 5 6\r\n', bad],
  ['brackets', 'PROXY TCP6 [::1] [::1] 5 6\r\n', bad],
  ['a name', 'PROXY TCP4 localhost 1.2.3.4 5 6\r\n', bad],
]

describe.each(transcripts)('%s', (_, input, outcome) => {
  const bytes = Buffer.from(input, 'latin1')

  test('as a whole', () => expect(decode([bytes])).toEqual(outcome))

  test('byte by byte', () => expect(decode(cut(bytes, [...bytes.keys()]))).toEqual(outcome))

  test('cut at every place', () => {
    for (let place = 1; place < bytes.length; place++) {
      expect(decode(cut(bytes, [place])), `cut at ${place}`).toEqual(outcome)
    }
  })
})

test('is refused at the first byte that cannot be one', () => {
  for (const start of ['', 'P', 'PR', 'PRO', 'PROX', 'PROXY', 'PROXY UNKNOWN\r']) {
    expect(decode([Buffer.from(start)]), start).toBe('incomplete')
    expect(decode([Buffer.from(`${start}#`)]), `${start}#`).toBe(bad)
  }
})

test('says nothing of what was received when it is refused', () => {
  const line = Buffer.from('PROXY TCP4 1.2.3.777 secret 1 2\r\n')
  expect(() => new ProxyHeaderDecoder().push(line)).toThrow(/^Cannot read PROXY header: [a-zA-Z ]+$/)
  expect(() => new ProxyHeaderDecoder().push(line)).not.toThrow(/secret/)
})

describe('encoding', () => {
  const lines: [string, Parameters<typeof encodeProxyHeader>[0], string][] = [
    [
      'IPv4',
      { source: ipAddress('1.2.3.4', 5), destination: ipAddress('6.7.8.9', 0) },
      'TCP4 1.2.3.4 6.7.8.9 5 0',
    ],
    [
      'IPv6',
      { source: ipAddress('2001:DB8:0::1', 5), destination: ipAddress('::1', 6) },
      'TCP6 2001:db8::1 ::1 5 6',
    ],
    [
      'both',
      { source: ipAddress('1.2.3.4', 5), destination: ipAddress('::1', 6) },
      'TCP6 ::ffff:1.2.3.4 ::1 5 6',
    ],
    [
      'a zone',
      { source: ipAddress('fe80::1%eth0', 5), destination: ipAddress('::1', 6) },
      'TCP6 fe80::1 ::1 5 6',
    ],
    ['local', { command: 'local' }, 'UNKNOWN'],
    ['nothing', {}, 'UNKNOWN'],
    [
      'UDP',
      { transport: 'datagram', source: ipAddress('1.2.3.4', 5), destination: ipAddress('::1', 6) },
      'UNKNOWN',
    ],
    [
      'a Unix socket',
      { source: { kind: 'unix', path: '' }, destination: { kind: 'unix', path: '/s' } },
      'UNKNOWN',
    ],
    [
      'another transport',
      { source: { kind: 'memory', name: 'm' }, destination: ipAddress('::1', 6) },
      'UNKNOWN',
    ],
  ]

  test.each(lines)('%s', (_, init, line) => {
    expect(Buffer.from(encodeProxyHeader({ ...init, version: 1 })).toString()).toBe(`PROXY ${line}\r\n`)
  })
})
