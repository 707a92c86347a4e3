// Makes inputs of inputs: seeded, so that a number says which one failed.

/** What parsers trip over, and a few whole lines. Latin1. */
const DICTIONARY = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\r\r\n',
  '\n\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '"',
  '\\',
  '=',
  '\x7f',
  '\x0b',
  '\x85',
  '\xa0',
  '\xff',
  ' HTTP/1.1',
  ' HTTP/1.0',
  'GET / HTTP/1.1\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 \r\n',
  'Host: a\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: x\r\n',
  'Expect: 100-continue\r\n',
  ' \r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  ';a="b"',
  ';a=b',
  'ffffffff',
  '0000000000000',
  '18446744073709551616',
  'x'.repeat(300),
  'A: b\r\n'.repeat(40),
  '\r\n '.repeat(3),
].map((text) => Buffer.from(text, 'latin1'))

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function numbers(seed) {
  let state = seed >>> 0
  return (end) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end
  }
}

/** One of `corpus` with one to six changes, or two of them spliced. `below(n)` gives a number from 0 up to n - 1. */
export function mutate(corpus, below) {
  let bytes = corpus[below(corpus.length)]
  if (below(6) === 0) {
    const other = corpus[below(corpus.length)]
    bytes = Buffer.concat([
      bytes.subarray(0, below(bytes.length + 1)),
      other.subarray(below(other.length + 1)),
    ])
  }
  for (let changes = 1 + below(6); changes > 0; changes--) bytes = change(bytes, below)
  return bytes.subarray(0, 4096)
}

function change(bytes, below) {
  const at = below(bytes.length + 1)
  const to = Math.min(bytes.length, at + below(16))
  const around = (middle, from = at) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(from)])
  switch (below(8)) {
    case 0:
      return around(Buffer.of(below(256)), at + 1)
    case 1:
      return around(Buffer.of((bytes[at] ?? 0) ^ (1 << below(8))), at + 1)
    case 2:
      return around(Buffer.alloc(0), to)
    case 3:
      return around(bytes.subarray(at, to))
    case 4:
      return bytes.subarray(0, at)
    default:
      return around(DICTIONARY[below(DICTIONARY.length)], below(2) === 0 ? at : to)
  }
}
