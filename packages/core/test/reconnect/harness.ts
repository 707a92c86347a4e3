import type { ByteConnection } from '../../src/connection.ts'
import { pair } from '../../src/memory.ts'

/** Delays of nothing or next to nothing, without end. */
export const quick = { base: 1, cap: 1, maxAttempts: 1_000_000 }

/** A server in memory that counts who comes, and may be out. */
export class Server {
  /** The server's sides of its connections, in order. */
  readonly peers: ByteConnection[] = []
  /** What attempts are refused with. */
  refusal: Error | undefined
  attempts = 0
  #arrived: (() => void) | undefined

  readonly connect = async (): Promise<ByteConnection> => {
    this.attempts++
    if (this.refusal) throw this.refusal
    const [here, there] = pair()
    this.peers.push(there)
    this.#arrived?.()
    return here
  }

  /** The server's side of the connection of this number, from 1, when it is there. */
  async peer(count: number): Promise<ByteConnection> {
    while (this.peers.length < count) await new Promise<void>((resolve) => (this.#arrived = resolve))
    return this.peers[count - 1] as ByteConnection
  }

  /** The same, which reads and ends when it is told of an end. */
  async reader(count: number): Promise<ByteConnection> {
    const peer = await this.peer(count)
    peer.handle({ onData() {} })
    return peer
  }
}

/** Reads `length` bytes as text. */
export async function read(connection: ByteConnection, length: number): Promise<string> {
  let text = ''
  for await (const chunk of connection) {
    text += Buffer.from(chunk).toString()
    if (text.length >= length) break
  }
  return text
}

/** Lets what is under way settle. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
