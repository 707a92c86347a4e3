import { expect } from 'vitest'

import type { ByteConnection } from '../../src/index.ts'

export async function turn(count = 1): Promise<void> {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve))
}

/** Bytes that differ from place to place. */
export function pattern(size: number, from = 0): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let index = 0; index < size; index++)
    bytes[index] = ((from + index) * 31 + ((from + index) >> 8)) & 255
  return bytes
}

/** Everything that can be read, joined. */
export async function joined(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  return (await joined(source)).toString()
}

/** What `promise` rejects with. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('nothing was refused'),
    (error: unknown) => error,
  )
}

/** Writes until there is no room, and says how many bytes that were. */
export async function fill(connection: ByteConnection): Promise<number> {
  let size = 0
  for (let still = 0; still < 20; still++) {
    while (connection.buffered < 64 * 1024) {
      connection.write(pattern(4_096, size))
      size += 4_096
      still = 0
      if (size > 64 * 1024 * 1024) throw new Error('there is no bottom')
    }
    await turn()
  }
  return size
}
