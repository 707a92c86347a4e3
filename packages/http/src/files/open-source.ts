import type { Exchange } from '../server/exchange.ts'
import type { Held } from '../web/held.ts'
import { KeptBody } from '../web/kept-body.ts'
import type { ByteSource } from './answer.ts'
import { FileBody } from './file-body.ts'
import type { Section } from './file-pieces.ts'
import type { OpenFile } from './open-file.ts'

/** Bytes of the largest file that is read whole before it is answered with, and then needs no open file any more. */
const smallest = 64 * 1024

/** The bytes of an open file, which is closed behind the last of them. */
export class OpenSource implements ByteSource {
  readonly #file: OpenFile
  readonly #exchange: Exchange | undefined

  /** @param exchange which it is for: a file is closed when that is over, though another answer was given. */
  constructor(file: OpenFile, exchange: Exchange | undefined) {
    this.#file = file
    this.#exchange = exchange
  }

  whole(): Held | Promise<Uint8Array> {
    const file = this.#file
    if (file.size > smallest) return this.part([{ start: 0, end: file.size }])
    return file.whole().finally(() => file.close())
  }

  part(sections: readonly Section[]): Held {
    const body = new FileBody(this.#file, sections)
    this.#exchange?.hold(() => body.letGo())
    return body
  }

  close(): void {
    this.#file.close()
  }
}

/** Bytes that are kept in memory, for many answers. */
export class KeptSource implements ByteSource {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  whole(): Held {
    return new KeptBody(this.#bytes)
  }

  part(sections: readonly Section[]): Held {
    const bytes = this.#bytes
    const pieces = sections.map((section) =>
      typeof section === 'string' ? Buffer.from(section) : bytes.subarray(section.start, section.end),
    )
    return new KeptBody(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces))
  }

  close(): void {}
}
