import type { RecordReader, Records } from './fixture.ts'

const lineFeed = 10

/** Every byte but the line ends, as Latin-1. */
const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
  .join('')
  .replace(/[\n\r]/g, '')

/** One to three bytes of UTF-8 a character. */
const letters = 'abcdefghijklmnopqrstuvwxyz 0123456789 äöüßéñøæçå ⚓⛵⚠ "\\\u0000\u0001\u007f\ufffd\ufeff'

/** Texts on a byte stream: Latin-1, ended by a line feed. */
export const byteRecords: Records<Uint8Array> = {
  alphabet: bytes,
  refused: [undefined, null, 5, {}],
  encode: (text) => Buffer.from(`${text}\n`, 'latin1'),
  reader: () => new ByteReader(),
}

/** Texts as messages of text. */
export const textRecords: Records<string> = {
  alphabet: letters,
  refused: [undefined, null, 5, {}, new Uint8Array(1)],
  encode: (text) => text,
  reader: () => ({ push: (message) => [message] }),
}

/** Texts as values of JSON. */
export const jsonRecords: Records<string> = {
  ...textRecords,
  refused: [undefined, () => {}, Symbol('text'), 5n],
}

/** Texts as messages of bytes: Latin-1. */
export const binaryRecords: Records<Uint8Array> = {
  alphabet: bytes,
  refused: [undefined, null, 5, {}],
  encode: (text) => Buffer.from(text, 'latin1'),
  reader: () => ({ push: (message) => [viewOf(message).toString('latin1')] }),
}

/** Texts as messages of text and of bytes, in turn as far as their lengths are. */
export const eitherRecords: Records<string | Uint8Array> = {
  alphabet: bytes,
  refused: [undefined, null, 5, {}],
  encode: (text) => (text.length % 2 === 0 ? text : Buffer.from(text, 'latin1')),
  reader: () => ({
    push: (message) => [typeof message === 'string' ? message : viewOf(message).toString('latin1')],
  }),
}

class ByteReader implements RecordReader<Uint8Array> {
  #partial = ''

  push(data: Uint8Array): string[] {
    const chunk = viewOf(data)
    const texts: string[] = []
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      texts.push(this.#partial + chunk.toString('latin1', start, end))
      this.#partial = ''
      start = end + 1
    }
    this.#partial += chunk.toString('latin1', start)
    return texts
  }
}

function viewOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

/** Makes texts that differ in every place: text number `index` is the same each time it is asked for. */
export function textMaker(alphabet: string, longest: number): (index: number, size: number) => string {
  const span = 65_521
  let state = 1
  let pad = ''
  for (let left = span + longest; left > 0; left--) {
    state = (state * 48_271) % 2_147_483_647
    pad += alphabet[state % alphabet.length]
  }
  return (index, size) => {
    const name = `${index}:`
    const start = (index * 7_919) % span
    return (name + pad.slice(start, start + size)).slice(0, Math.max(size, name.length))
  }
}
