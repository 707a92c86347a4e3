import { deflate } from './compression.ts'
import { frame, opcodes } from './frame.ts'
import { sizeOfMessage } from './messages.ts'

type Frame = ReturnType<typeof frame>

/** A message for many: each form of it that some connection needs is made once. */
export class EncodedMessage {
  readonly message: string | Uint8Array
  readonly size: number
  #plain: Frame | undefined
  /** By level and window. */
  #deflated: Map<number, Frame> | undefined

  constructor(message: string | Uint8Array) {
    this.message = message
    this.size = sizeOfMessage(message)
  }

  get plain(): Frame {
    return (this.#plain ??= frame(this.#opcode, this.message, this.size))
  }

  deflated(level: number, windowBits: number): Frame {
    this.#deflated ??= new Map()
    const key = level * 16 + windowBits
    const known = this.#deflated.get(key)
    if (known) return known
    const payload = deflate(this.message, level, windowBits)
    const smaller = payload.byteLength < this.size
    const made = smaller ? frame(this.#opcode, payload, payload.byteLength, true) : this.plain
    this.#deflated.set(key, made)
    return made
  }

  get #opcode() {
    return typeof this.message === 'string' ? opcodes.text : opcodes.binary
  }
}
