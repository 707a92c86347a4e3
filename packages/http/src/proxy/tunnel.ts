import { type ByteConnection, splice } from '@fairlead/core'

import { encodeResponseHead } from '../codec/index.ts'
import { reasonOf } from '../message/status.ts'

/** What came of an upgrade: the server's side, with what it said already in the other protocol. */
interface Switched {
  readonly connection: ByteConnection
  readonly head: Uint8Array
}

/** A client and a server that go on with another protocol: both connections, spliced. */
export class Tunnel {
  /** Resolves when both are closed, and never rejects. */
  readonly over: Promise<void>
  readonly #client: ByteConnection
  readonly #server: ByteConnection

  /** @param lines of the 101, which is told here. @throws what writing it throws. */
  constructor(client: Switched, server: Switched, lines: readonly string[]) {
    this.#client = client.connection
    this.#server = server.connection
    this.#client.write(encodeResponseHead(101, reasonOf(101), lines, { framing: 'none' }), 'latin1')
    const heads = [someOf(client.head), someOf(server.head)] as const
    this.over = splice(this.#client, this.#server, { heads }).then(
      () => {},
      () => {},
    )
  }

  /** Both are closed politely. */
  close(grace: number): void {
    void this.#client.close({ grace })
    void this.#server.close({ grace })
  }

  destroy(error: Error): void {
    this.#client.destroy(error)
    this.#server.destroy(error)
  }
}

function someOf(head: Uint8Array): Uint8Array | undefined {
  return head.byteLength > 0 ? head : undefined
}
