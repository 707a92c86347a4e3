import type { ByteConnection, CloseReason, Connection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach } from 'vitest'

import { portOf, until } from '../harness.ts'

const opened: { close(options: { grace: number }): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close({ grace: 0 })))
})

/** Closes it behind the test. */
export function held<R extends { close(options: { grace: number }): Promise<void> }>(resource: R): R {
  opened.push(resource)
  return resource
}

export const here = 'ws://127.0.0.1:0'

export async function open(
  options: Partial<websocket.BridgeOptions> & Pick<websocket.BridgeOptions, 'to'>,
): Promise<websocket.Bridge> {
  return held(await websocket.bridge({ from: here, ...options }))
}

/** A TCP server, and all that it hears. */
export class Target {
  readonly listener: tcp.StreamListener
  readonly peers: Peer[] = []

  private constructor(listener: tcp.StreamListener) {
    this.listener = listener
  }

  static async open(options: tcp.ListenOptions = { port: 0 }, echo = false): Promise<Target> {
    const listener = held(await tcp.listen(options, (connection) => target.#take(connection, echo)))
    const target: Target = new Target(listener)
    return target
  }

  #take(connection: ByteConnection, echo: boolean): void {
    this.peers.push(new Peer(connection, echo))
  }

  get url(): string {
    return `tcp://127.0.0.1:${portOf(this.listener)}`
  }

  /** The next one that came. */
  async peer(index = 0): Promise<Peer> {
    await until(() => this.peers.length > index)
    return this.peers[index] as Peer
  }
}

/** One end of a stream of bytes, and all that it hears. */
export class Peer {
  readonly connection: ByteConnection
  chunks: Uint8Array[] = []
  /** Whether it ends when its peer does. */
  polite = true
  ended = false
  reason: CloseReason | undefined

  constructor(connection: ByteConnection, echo = false) {
    this.connection = connection
    connection.handle({
      onData: (chunk) => void (echo ? connection.write(chunk) : this.chunks.push(chunk)),
      onEnd: () => {
        this.ended = true
        if (this.polite) connection.end()
      },
      onClose: (reason) => (this.reason = reason),
    })
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }
}

/** A client of the bridge. */
export async function page(
  to: websocket.Bridge,
  path = '/',
  options: websocket.WebSocketConnectOptions<'binary'> = {},
): Promise<websocket.WebSocketConnection<Uint8Array>> {
  const url = `ws://127.0.0.1:${portOf(to)}${path}`
  return held(await websocket.connect(url, { messages: 'binary', protocols: ['binary'], ...options }))
}

/** All that a connection brings. */
export function heard(connection: Connection<Uint8Array>): Heard {
  const all: Heard = { messages: [], reason: undefined }
  connection.handle({
    onData: (message) => void all.messages.push(Buffer.from(message).toString()),
    onClose: (reason) => (all.reason = reason),
  })
  return all
}

export interface Heard {
  readonly messages: string[]
  reason: CloseReason | undefined
}
