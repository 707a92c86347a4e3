import type { Content, Reader } from './content.ts'

/**
 * A body that is neither text, bytes nor a stream yet: what arrives from a server, or lies in a file. It becomes a stream
 * when somebody asks for one.
 */
export abstract class Held {
  /** Whether it was read, or begun to be. */
  abstract readonly bodyUsed: boolean

  /** All of it. `type` is the Content-Type of the message. */
  abstract read(how: Reader, type: string | null): Promise<unknown>

  /** For whoever sends it. Bytes are lent: they must not be changed, nor given away. */
  abstract take(): Uint8Array | AsyncIterable<Uint8Array>

  /** In the message's own hands from now on. */
  abstract content(): Content
}
