import { sliceSize } from '../../message/framed-piece.ts'
import type { PieceSource } from '../../message/piece-source.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** Text that goes out in UTF-8, in which a surrogate that stands alone becomes U+FFFD. It is encoded as it goes. */
export class TextBody implements OutgoingBody {
  readonly length: number
  readonly type: string
  readonly replayable = true
  readonly whole: string | undefined
  readonly #text: string

  constructor(text: string, type: string) {
    this.#text = text
    this.length = Buffer.byteLength(text)
    this.type = type
    this.whole = this.length <= sliceSize ? text : undefined
  }

  open(): PieceSource {
    const text = this.#text
    let at = 0
    return {
      next: () => {
        if (at === text.length) return Promise.resolve({ value: undefined, done: true })
        const end = endOf(text, at)
        const value = text.slice(at, end)
        at = end
        return Promise.resolve({ value, done: false })
      },
      cancel: () => {},
    }
  }

  discard(): void {}
}

/** Where the piece that begins at `at` ends: not between two halves of a character. */
function endOf(text: string, at: number): number {
  const end = Math.min(at + sliceSize, text.length)
  const halved = isHigh(text.charCodeAt(end - 1)) && isLow(text.charCodeAt(end))
  return halved ? end - 1 : end
}

/** False for NaN, which stands behind the end. */
function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}
