import { describe, expect, test } from 'vitest'

import { drive } from './drive.ts'

// Every octet in every place of a message, against the grammar of the RFCs, written down here once more in its words.

const octets = Array.from({ length: 256 }, (_, octet) => octet)
const among = (text: string) => (octet: number) => text.includes(String.fromCharCode(octet))
const isAlnum = (octet: number) => /[0-9A-Za-z]/.test(String.fromCharCode(octet))
const isTchar = (octet: number) => isAlnum(octet) || among("!#$%&'*+-.^_`|~")(octet)
const isVchar = (octet: number) => octet >= 0x21 && octet <= 0x7e
const isObsText = (octet: number) => octet >= 0x80
const isText = (octet: number) => isVchar(octet) || isObsText(octet) || octet === 0x20 || octet === 0x09

interface Place {
  readonly role?: 'request' | 'response'
  readonly before: string
  readonly after: string
  readonly allowed: (octet: number) => boolean
}

const request = (before: string, after: string, allowed: (octet: number) => boolean): Place => ({
  before,
  after,
  allowed,
})
const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n'
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`

const places: Record<string, Place> = {
  'a method': request('G', 'T / HTTP/1.1\r\nHost: a\r\n\r\n', isTchar),
  'a target, which may hold what browsers leave unescaped': request(
    'GET /a',
    'b HTTP/1.1\r\nHost: a\r\n\r\n',
    (octet) => isVchar(octet) && !among('"<>#')(octet),
  ),
  'the major version': request('GET / HTTP/', '.1\r\nHost: a\r\n\r\n', among('1')),
  'the minor version': request('GET / HTTP/1.', '\r\nHost: a\r\n\r\n', among('0123456789')),
  'the name HTTP': request('GET / HT', 'P/1.1\r\nHost: a\r\n\r\n', among('T')),
  'the place behind the version': request('GET / HTTP/1.1', '\r\nHost: a\r\n\r\n', () => false),
  'a field name': request(`${HEAD}A`, 'B: c\r\n\r\n', (octet) => isTchar(octet) || octet === 0x3a),
  'the first octet of a field name': request(HEAD, 'B: c\r\n\r\n', isTchar),
  'the place before the colon': request(
    `${HEAD}A`,
    ': c\r\n\r\n',
    (octet) => isTchar(octet) || octet === 0x3a,
  ),
  'a field value': request(`${HEAD}A: b`, 'c\r\n\r\n', isText),
  'the place behind a field value': request(`${HEAD}A: b`, '\r\n\r\n', isText),
  'a Host': request(
    'GET / HTTP/1.1\r\nHost: a',
    'b\r\n\r\n',
    (octet) => isAlnum(octet) || among("-._~!$&'()*+,;=")(octet),
  ),
  'the port of a Host': request('GET / HTTP/1.1\r\nHost: a:1', '1\r\n\r\n', among('0123456789')),
  'a Content-Length': request(`${HEAD}Content-Length: 0`, '0\r\n\r\n', among('0')),
  'a Transfer-Encoding': request(`${HEAD}Transfer-Encoding: chun`, 'ed\r\n\r\n0\r\n\r\n', among('kK')),
  'the place before a Transfer-Encoding': request(
    `${HEAD}Transfer-Encoding:`,
    'chunked\r\n\r\n0\r\n\r\n',
    among(' \t'),
  ),
  'a chunk size': request(`${CHUNKED}0`, '0\r\n\r\n', among('0;')),
  'the place behind a chunk size': request(`${CHUNKED}0`, '\r\n\r\n', among('0')),
  'the name of an extension': request(
    `${CHUNKED}0;a`,
    'b\r\n\r\n',
    (octet) => isTchar(octet) || among('=;')(octet),
  ),
  'the value of an extension': request(
    `${CHUNKED}0;a=b`,
    'c\r\n\r\n',
    (octet) => isTchar(octet) || among(';')(octet),
  ),
  'the quoted value of an extension': request(
    `${CHUNKED}0;a="b`,
    'c"\r\n\r\n',
    (octet) => isText(octet) && !among('"')(octet),
  ),
  'an escaped octet of an extension': request(`${CHUNKED}0;a="\\`, '"\r\n\r\n', isText),
  'the place behind the data of a chunk': request(`${CHUNKED}1\r\na`, '\n0\r\n\r\n', among('\r')),
  'the name of a trailer': request(
    `${CHUNKED}0\r\nA`,
    'B: c\r\n\r\n',
    (octet) => isTchar(octet) || octet === 0x3a,
  ),
  'the value of a trailer': request(`${CHUNKED}0\r\nA: b`, 'c\r\n\r\n', isText),
  'a status': { role: 'response', before: 'HTTP/1.1 2', after: '4 OK\r\n\r\n', allowed: among('0123456789') },
  'a reason': { role: 'response', before: 'HTTP/1.1 204 O', after: 'K\r\n\r\n', allowed: isText },
  'the place behind a status': {
    role: 'response',
    before: 'HTTP/1.1 204',
    after: 'OK\r\n\r\n',
    allowed: among(' '),
  },
}

describe.each(Object.entries(places))('%s', (_, { role = 'request', before, after, allowed }) => {
  test('takes the octets of its grammar, and no other', () => {
    const taken = octets.filter((octet) => {
      const bytes = Buffer.from(before + String.fromCharCode(octet) + after, 'latin1')
      const whole = drive(role, [bytes], { methods: ['GET'], eof: true })
      const halves = [bytes.subarray(0, before.length), bytes.subarray(before.length)]
      const split = drive(role, halves, { methods: ['GET'], eof: true })
      if (String(split) !== String(whole)) expect.fail(`split before ${octet}: ${String(split)}`)
      return !whole.some((event) => event.startsWith('error'))
    })
    expect(taken).toEqual(octets.filter(allowed))
  })
})
