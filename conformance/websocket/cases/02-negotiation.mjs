import { accepted, each, hello, offer, refused, speaks } from '../words.mjs'

const PROTOCOL = 'sec-websocket-protocol'
const EXTENSIONS = 'sec-websocket-extensions'
const DEFLATE = 'permessage-deflate'
const binary = accepted({ [PROTOCOL]: /^binary$/ })
const without = accepted({ [PROTOCOL]: null })
const plain = accepted({ [EXTENSIONS]: null })
const compressed = (fields = /^permessage-deflate(;|$)/) => accepted({ [EXTENSIONS]: fields })
const offers = (list) => each(list, (one) => ({ ask: offer(one) }))

/** RFC 6455 sections 1.9, 4.2.2 and 9.1, RFC 7692 section 7.1: subprotocols and extensions. */
export const section = 'Negotiation'

export const cases = [
  {
    id: 'accept-of-the-example',
    rule: '6455 4.2.2',
    ask: hello(),
    expect: accepted({ 'sec-websocket-accept': /^s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$/ }),
  },
  {
    id: 'nothing-that-was-not-offered',
    rule: '6455 4.2.2',
    expect: accepted({ [PROTOCOL]: null, [EXTENSIONS]: null }),
  },
  { id: 'protocol', rule: '6455 4.2.2', ask: speaks('binary'), expect: binary },
  {
    id: 'protocol-in-a-list',
    rule: '6455 11.3.4',
    each: { one: { ask: speaks('chat, binary, base64') }, lines: { ask: speaks('chat', 'binary') } },
    expect: binary,
  },
  {
    id: 'protocol-unknown',
    rule: '6455 4.2.2',
    ask: speaks('chat, superchat'),
    expect: [without, refused()],
  },
  { id: 'protocol-in-another-case', rule: '6455 11.5', ask: speaks('Binary'), expect: [without, refused()] },
  {
    id: 'protocol-malformed',
    rule: '6455 4.3',
    each: each(['a b', 'a;b', 'bin@ry', '"binary"', '{binary}'], (one) => ({ ask: speaks(one) })),
    expect: refused(),
  },
  {
    id: 'protocol-repeated',
    rule: '6455 4.1',
    ask: speaks('binary, binary'),
    expect: [binary, without, refused()],
  },
  {
    id: 'protocols-by-the-thousand',
    rule: 'security: quadratic time',
    each: {
      unlike: { ask: speaks(Array.from({ length: 2500 }, (_, at) => `p${at.toString(36)}`).join(',')) },
      commas: { ask: speaks(','.repeat(12_000)) },
      spaces: { ask: speaks(`a${' '.repeat(12_000)},b`) },
      empty: { ask: speaks(',a'.repeat(6000)) },
    },
    expect: [without, refused([400, 431])],
  },
  {
    id: 'protocols-without-end',
    rule: '9110 5.4',
    ask: speaks(Array.from({ length: 50_000 }, (_, at) => `p${at}`).join(',')),
    expect: refused([400, 431]),
  },
  {
    id: 'extension-unknown',
    rule: '6455 9.1',
    each: offers(['x-foo', 'x-foo; a=b', 'x-foo; a="b", x-bar']),
    expect: plain,
  },
  {
    id: 'extension-malformed',
    rule: '6455 9.1',
    each: offers([
      `${DEFLATE};;`,
      `${DEFLATE}; a=`,
      `${DEFLATE}; a="b`,
      `${DEFLATE}; =b`,
      'a b',
      '@',
      `${DEFLATE}; a="b c"`,
    ]),
    expect: refused(),
  },
  {
    id: 'extensions-by-the-thousand',
    rule: 'security: quadratic time',
    each: offers([`${DEFLATE}, `.repeat(600) + DEFLATE, 'x;a'.concat(';a'.repeat(6000))]),
    expect: [compressed(), plain, refused([400, 431])],
  },
  { id: 'compression', rule: '7692 7.1', ask: offer(DEFLATE), expect: compressed() },
  {
    id: 'compression-among-others',
    rule: '6455 9.1',
    ask: offer('x-foo', `x-bar; a=1, ${DEFLATE}`),
    expect: compressed(),
  },
  {
    id: 'names-prototypes-have',
    rule: 'security: colliding keys',
    each: offers(['__proto__', 'constructor; a', 'toString, hasOwnProperty', 'x; __proto__=1']),
    expect: plain,
  },
  {
    id: 'parameter-unknown',
    rule: '7692 7.1',
    each: offers([`${DEFLATE}; x`, `${DEFLATE}; x=1`, `${DEFLATE}; server_max_window_bits=10; x`]),
    expect: plain,
  },
  {
    id: 'parameter-repeated',
    rule: '7692 7.1',
    each: offers([
      `${DEFLATE}; server_no_context_takeover; server_no_context_takeover`,
      `${DEFLATE}; server_max_window_bits=10; server_max_window_bits=11`,
      `${DEFLATE}; client_max_window_bits; client_max_window_bits=10`,
    ]),
    expect: plain,
  },
  {
    id: 'window-that-is-none',
    rule: '7692 7.1.2.1',
    each: offers(
      ['999', '7', '16', '08', '0', '-9', '9.5', 'x', '0x9', '99999999999999999999'].map(
        (bits) => `${DEFLATE}; server_max_window_bits=${bits}`,
      ),
    ),
    expect: plain,
  },
  {
    id: 'window-without-a-value',
    rule: '7692 7.1.2.1',
    ask: offer(`${DEFLATE}; server_max_window_bits`),
    expect: plain,
  },
  {
    id: 'window-of-the-client-that-is-none',
    rule: '7692 7.1.2.2',
    each: offers(
      ['999', '7', '16', '08', '0', 'x'].map((bits) => `${DEFLATE}; client_max_window_bits=${bits}`),
    ),
    expect: plain,
  },
  {
    id: 'value-where-none-may-be',
    rule: '7692 7.1.1.1',
    each: offers([`${DEFLATE}; server_no_context_takeover=1`, `${DEFLATE}; client_no_context_takeover=true`]),
    expect: plain,
  },
  {
    id: 'second-offer-is-taken',
    rule: '7692 7.1',
    each: offers([
      `${DEFLATE}; server_max_window_bits=999, ${DEFLATE}`,
      `${DEFLATE}; x=1, ${DEFLATE}; server_no_context_takeover`,
    ]),
    expect: compressed(),
  },
  {
    id: 'window-is-kept',
    rule: '7692 7.1.2.1',
    each: each([9, 10, 12, 15], (bits) => ({
      ask: offer(`${DEFLATE}; server_max_window_bits=${bits}`),
      expect: [plain, compressed(new RegExp(`server_max_window_bits="?(${numbersTo(bits)})\\b`))],
    })),
  },
  {
    id: 'window-of-the-client-is-not-asked-for',
    rule: '7692 7.1.2.2',
    ask: offer(DEFLATE),
    expect: compressed(/^(?!.*client_max_window_bits)/),
  },
  {
    id: 'window-of-the-client-is-not-larger',
    rule: '7692 7.1.2.2',
    each: each([9, 10, 14], (bits) => ({
      ask: offer(`${DEFLATE}; client_max_window_bits=${bits}`),
      expect: [
        plain,
        compressed(
          new RegExp(`^(?!.*client_max_window_bits)|client_max_window_bits="?(${numbersTo(bits)})\\b`),
        ),
      ],
    })),
  },
  {
    id: 'window-of-the-client-may-be-chosen',
    rule: '7692 7.1.2.2',
    ask: offer(`${DEFLATE}; client_max_window_bits`),
    expect: compressed(/^(?!.*client_max_window_bits)|client_max_window_bits=\d+/),
  },
  {
    id: 'takeover-of-the-server-is-given-up',
    rule: '7692 7.1.1.1',
    ask: offer(`${DEFLATE}; server_no_context_takeover`),
    expect: [plain, compressed(/server_no_context_takeover/)],
  },
  {
    id: 'takeover-of-the-client',
    rule: '7692 7.1.1.2',
    ask: offer(`${DEFLATE}; client_no_context_takeover`),
    expect: compressed(),
  },
  {
    id: 'value-in-quotes',
    rule: '6455 9.1',
    ask: offer(`${DEFLATE}; server_max_window_bits="10"`),
    expect: [plain, compressed(/server_max_window_bits="?(8|9|10)\b/)],
  },
  {
    id: 'older-extension',
    rule: '6455 9.1',
    each: offers(['x-webkit-deflate-frame', 'permessage-compress; method=deflate', 'bbf-usp-protocol']),
    expect: plain,
  },
]

function numbersTo(bits) {
  return Array.from({ length: bits - 7 }, (_, at) => at + 8).join('|')
}
