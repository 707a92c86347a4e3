import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { gzipSync } from 'node:zlib'

/** Somebody at the other end who knows nothing of these packages, only of sockets. */
export class Peer {
  readonly socket: Duplex
  readonly #chunks: Buffer[] = []
  #over = false
  #wake = (): void => {}

  constructor(socket: Duplex) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#wake()
    })
    const over = (): void => {
      this.#over = true
      this.#wake()
    }
    // A reset is an end like any other here: what was heard until then is what counts.
    socket.on('end', over).on('close', over).on('error', over)
  }

  static async to(port: number): Promise<Peer> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const peer = new Peer(socket)
    // Whoever is reset may never hear that it was connected.
    await new Promise<void>((resolve) => socket.on('connect', resolve).on('close', () => resolve()))
    return peer
  }

  get heard(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  say(data: string | Uint8Array): this {
    this.socket.write(data)
    return this
  }

  sayZipped(text: string): this {
    return this.say(gzipSync(text))
  }

  /** Resolves when `text` was heard. */
  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) {
      if (this.#over) throw new Error(`Ended without ${JSON.stringify(text)}: ${this.heard.toString()}`)
      await this.#more()
    }
  }

  /** Says no more, and gives all that was heard until the other side's end. */
  async finish(): Promise<Buffer> {
    this.socket.end()
    return this.end()
  }

  /** All that was heard until the other side's end. */
  async end(): Promise<Buffer> {
    while (!this.#over) await this.#more()
    return this.heard
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}

/** A server on loopback that the recipe is to find. */
export class Host {
  readonly server: Server
  readonly port: number
  readonly #guests: Socket[] = []
  #wake = (): void => {}

  private constructor(server: Server) {
    this.server = server
    this.port = (server.address() as { port: number }).port
    server.on('connection', (socket) => {
      this.#guests.push(socket)
      this.#wake()
    })
  }

  static async open(server: Server = createServer({ allowHalfOpen: true })): Promise<Host> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Host(server)
  }

  /** The next one who comes. */
  async guest(): Promise<Peer> {
    for (;;) {
      const socket = this.#guests.shift()
      if (socket) return new Peer(socket)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  close(): void {
    this.server.close()
  }
}
