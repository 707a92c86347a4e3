import { describe, expect, test } from 'vitest'

import { acceptableDeflate, extensionOffers } from '../src/extension-offer.ts'

describe('extensions', () => {
  test.each([
    ['permessage-deflate', [['permessage-deflate', []]]],
    [
      'a ; b=c;d , e; f="g"',
      [
        [
          'a',
          [
            ['b', 'c'],
            ['d', true],
          ],
        ],
        ['e', [['f', 'g']]],
      ],
    ],
    ['', []],
  ])('%j is read', (field, offers) => {
    expect(extensionOffers(field)?.map(({ name, parameters }) => [name, parameters])).toEqual(offers)
  })

  test.each([
    'permessage-deflate;;',
    'a=',
    'a="b',
    '=b',
    'a b',
    '@',
    'a; b="c d"',
    ',',
    'a,',
    ';',
    'a; ="b"',
  ])('%j is malformed (RFC 6455 section 9.1)', (field) => expect(extensionOffers(field)).toBe(undefined))

  test('more than anybody offers are refused, and long ones cost no more than their length', () => {
    expect(extensionOffers(Array.from({ length: 32 }, () => 'a').join())).toHaveLength(32)
    expect(extensionOffers(Array.from({ length: 33 }, () => 'a').join())).toBe(undefined)
    for (const field of [' '.repeat(60_000), `a${' '.repeat(60_000)}b`, `a${'; b'.repeat(15_000)}@`]) {
      expect(extensionOffers(field)).toBe(undefined)
    }
  })
})

describe('of what is offered, the first permessage-deflate is taken that can be (RFC 7692 section 5.1)', () => {
  test.each([
    ['permessage-deflate', 'permessage-deflate'],
    [
      'x-webkit-deflate-frame, permessage-deflate; client_max_window_bits',
      'permessage-deflate; client_max_window_bits',
    ],
    ['permessage-deflate; server_max_window_bits=999, permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; server_max_window_bits="10"', 'permessage-deflate; server_max_window_bits=10'],
    ['permessage-deflate; server_no_context_takeover', 'permessage-deflate; server_no_context_takeover'],
  ])('%j', (field, taken) => expect(acceptableDeflate(field)).toBe(taken))

  test.each([
    'permessage-deflate; x',
    'permessage-deflate; toString',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_max_window_bits',
    ...['7', '16', '08', '999', 'x'].map((bits) => `permessage-deflate; client_max_window_bits=${bits}`),
    'x',
  ])('%j is declined', (field) => expect(acceptableDeflate(field)).toBe(undefined))
})
