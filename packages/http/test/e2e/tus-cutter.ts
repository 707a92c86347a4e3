import { connect, createServer, type Server, type Socket } from 'node:net'

/** Bytes behind which a connection is cut: of what the client sends, or of what it gets. */
export interface Cut {
  readonly up?: number
  readonly down?: number
}

/** Stands between a client and a server, and cuts connections at the bytes that it is told. */
export class Cutter {
  readonly url: string
  /** What becomes of the next connection. Nothing for undefined. */
  next: () => Cut | undefined = () => undefined
  /** Told how many bytes of all connections have passed to the server. */
  onBytes: (bytes: number) => void = () => {}
  cuts = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #passed = 0

  private constructor(server: Server, to: () => number) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    server.on('connection', (client) => this.#join(client, connect(to(), '127.0.0.1')))
  }

  /** `to` is the port of the server. */
  static async open(to: () => number): Promise<Cutter> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Cutter(server, to)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket, server: Socket): void {
    const { up = Infinity, down = Infinity } = this.next() ?? {}
    const cut = (): void => {
      if (client.destroyed || server.destroyed) return
      this.cuts++
      // One way of vanishing and the other.
      if (this.cuts % 2 === 0) server.resetAndDestroy()
      else server.destroy()
      client.resetAndDestroy()
    }
    this.#pass(client, server, up, cut, (bytes) => this.onBytes((this.#passed += bytes)))
    this.#pass(server, client, down, cut)
  }

  #pass(
    from: Socket,
    to: Socket,
    most: number,
    cut: () => void,
    told: (bytes: number) => void = () => {},
  ): void {
    let left = most
    this.#sockets.add(from)
    from.on('error', () => {})
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.on('end', () => to.end())
    from.on('data', (chunk) => {
      const piece = chunk.subarray(0, left)
      left -= piece.length
      told(piece.length)
      const room = to.write(piece, () => {
        if (left === 0) cut()
      })
      if (room) return
      from.pause()
      to.once('drain', () => from.resume())
    })
  }
}
