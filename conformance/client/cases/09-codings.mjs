import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import {
  answer,
  answered,
  ask,
  broken,
  chunked,
  closed,
  either,
  fin,
  get,
  headed,
  kept,
  ok,
  raw,
} from '../words.mjs'

const text = (bytes) => bytes.toString('latin1')
const gzip = (plain) => text(gzipSync(Buffer.from(plain, 'latin1')))
const deflate = (plain) => text(deflateSync(Buffer.from(plain, 'latin1')))
const deflateRaw = (plain) => text(deflateRawSync(Buffer.from(plain, 'latin1')))
const brotli = (plain) => text(brotliCompressSync(Buffer.from(plain, 'latin1')))
const coded = (coding, body, ...fields) => ok(body, `Content-Encoding: ${coding}`, ...fields)
const inChunks = (body) => `${[...body].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`

const plain = 'The quick brown fox jumps over the lazy dog. '.repeat(20)
const decoded = answered(200, plain)
const packed = gzip(plain)
const flipped = (body, at) =>
  body.slice(0, at) + String.fromCharCode(body.charCodeAt(at) ^ 0x55) + body.slice(at + 1)
const zeros = text(gzipSync(Buffer.alloc(16 * 2 ** 20)))

const good = (id, rule, coding, body, rest = {}) => ({
  id,
  rule,
  play: coded(coding, body),
  expect: kept(decoded),
  ...rest,
})
/** What does not decode to its end is never taken for whole. */
const bad = (id, rule, coding, body) => ({
  id,
  rule,
  play: coded(coding, body),
  expect: either(broken(plain)),
})
const empty = (id, rule, played, report, rest = {}) => ({
  id,
  rule,
  play: played,
  expect: kept(report),
  ...rest,
})

/** RFC 9110 section 8.4: bodies that come compressed. */
export const section = 'Codings'
export const needs = ['decode']

export const cases = [
  good('gzip', '9110 8.4.1.3', 'gzip', packed),
  good('gzip-in-any-case', '9110 8.4.1', 'GZip', packed),
  good('x-gzip', '9110 8.4.1.3', 'x-gzip', packed),
  good('deflate', '9110 8.4.1.2: in the format of zlib', 'deflate', deflate(plain)),
  good(
    'deflate-raw',
    '9110 8.4.1.2: wrong, and sent all the same; refused, or decoded',
    'deflate',
    deflateRaw(plain),
    {
      expect: [kept(decoded), either(broken())],
      ours: kept(decoded),
    },
  ),
  good('br', '7932 13', 'br', brotli(plain)),
  good('identity', '9110 8.4: not to be sent, and harmless', 'identity', plain),
  good('two-layers', '9110 8.4: in the order in which they were applied', 'gzip, br', brotli(packed)),
  {
    id: 'two-layers-in-two-fields',
    rule: '9110 5.3',
    play: ok(brotli(packed), 'Content-Encoding: gzip', 'Content-Encoding: br'),
    expect: kept(decoded),
  },
  {
    id: 'in-chunks-of-one-byte',
    rule: '9110 8.4',
    play: chunked(inChunks(packed), 'Content-Encoding: gzip'),
    expect: kept(decoded),
  },
  {
    id: 'until-close',
    rule: '9110 8.4',
    play: [raw(packed, 'Content-Encoding: gzip'), fin],
    expect: closed(decoded),
  },
  {
    id: 'gzip-of-several-members',
    rule: '1952 2.2',
    play: coded('gzip', gzip('one') + gzip('two')),
    expect: kept(answered(200, 'onetwo')),
  },
  {
    id: 'gzip-with-name-and-comment',
    rule: '1952 2.3',
    play: coded('gzip', `${packed.slice(0, 3)}\x18${packed.slice(4, 10)}name\0comment\0${packed.slice(10)}`),
    expect: kept(decoded),
  },
  {
    id: 'unknown',
    rule: '9110 8.4: given on as it is, or refused',
    play: coded('foo', 'hello'),
    expect: [kept(answered(200, 'hello')), either(broken('hello'))],
  },
  {
    id: 'unknown-beneath-gzip',
    rule: '9110 8.4: never half decoded without a word',
    play: coded('foo, gzip', packed),
    expect: [kept(answered(200, packed)), either(broken()), kept(decoded)],
    ours: [kept(answered(200, packed)), either(broken())],
  },
  empty('empty', '9110 8.4: nothing that could be decoded', coded('gzip', ''), answered(200, ''), {
    expect: [kept(answered(200, '')), either(broken())],
  }),
  empty('empty-field', '9110 5.6.1: a list without members', coded('', plain), decoded),
  empty('head', '9110 9.3.2', raw('', 'Content-Encoding: gzip', 'Content-Length: 100'), answered(200, ''), {
    ask: ask('HEAD'),
  }),
  empty('204', '9112 6.3', 'HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n', answered(204, '')),
  empty('304', '9112 6.3', 'HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n', answered(304, '')),
  empty(
    'of-an-error',
    '9110 8.4',
    answer('500 Internal Server Error', packed, 'Content-Encoding: gzip'),
    answered(500, plain),
  ),
  bad('cut-in-the-head', '1952 2.3', 'gzip', packed.slice(0, 5)),
  bad('cut-in-the-data', '1952 2.3', 'gzip', packed.slice(0, -20)),
  bad('cut-in-the-check', '1952 2.3', 'gzip', packed.slice(0, -3)),
  bad('deflate-cut', '1950 2.2', 'deflate', deflate(plain).slice(0, -6)),
  bad('br-cut', '7932 9', 'br', brotli(plain).slice(0, -3)),
  bad('corrupt-head', '1952 2.3.1', 'gzip', flipped(packed, 0)),
  bad('corrupt-check', '1952 2.3.1', 'gzip', flipped(packed, packed.length - 8)),
  bad('corrupt-size', '1952 2.3.1', 'gzip', flipped(packed, packed.length - 4)),
  bad('not-coded-at-all', '9110 8.4', 'gzip', plain),
  bad('br-corrupt', '7932 11', 'br', flipped(brotli(plain), 8)),
  bad('inner-layer-cut', '9110 8.4', 'gzip, gzip', gzip(packed.slice(0, -12))),
  {
    id: 'bytes-behind-gzip',
    rule: '1952 2.2: no member; refused, or left out',
    play: coded('gzip', `${packed}junk`),
    expect: [either(decoded), either(broken(plain))],
  },
  {
    id: 'cut-though-whole-by-its-length',
    rule: '1952 2.3: it is the coding that is cut',
    ask: [get('/one'), get('/two')],
    plays: [coded('gzip', packed.slice(0, -20)), ok('two'), ok('two')],
    expect: either(broken(plain), answered(200, 'two')),
  },
  {
    id: 'whole-though-cut-by-its-length',
    rule: '9112 8: the message is cut, whatever its coding says',
    play: [raw(packed, 'Content-Encoding: gzip', `Content-Length: ${packed.length + 1}`), fin],
    expect: closed(broken(plain)),
  },
  {
    id: 'thousand-layers',
    rule: 'security: work without an end',
    play: coded(Array.from({ length: 1000 }, () => 'gzip').join(', '), packed),
    expect: [either(broken()), kept(answered(200, packed))],
  },
  {
    id: 'ten-layers',
    rule: 'security: layers that multiply',
    play: coded(
      Array.from({ length: 10 }, () => 'gzip').join(', '),
      Array.from({ length: 10 }).reduce((body) => gzip(body), 'hello'),
    ),
    expect: [either(broken()), kept(answered(200, 'hello'))],
    ours: either(broken()),
  },
  {
    id: 'bomb',
    rule: 'security: 16 MiB of a thousandth of it; a client may leave the end of it to its reader',
    play: coded('gzip', zeros),
    expect: [
      either(broken('\0'.repeat(16 * 2 ** 20))),
      either(headed(200, { body: (body) => body.length === 16 * 2 ** 20 })),
    ],
    ours: either(broken('\0'.repeat(8 * 2 ** 20))),
  },
  {
    id: 'asks-for-what-it-decodes',
    rule: '9110 12.5.3',
    play: ok(),
    expect: [
      { ...kept(answered(200, 'hello')), requests: [{ headers: { 'accept-encoding': /\bgzip\b/ } }] },
      { ...kept(answered(200, 'hello')), requests: [{ headers: { 'accept-encoding': null } }] },
    ],
  },
]
