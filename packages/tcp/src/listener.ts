import { createServer, type Server, type Socket } from 'node:net'

import type { Accept, Address } from '@fairlead/core'
import { ListenerBase } from '@fairlead/core/transport'

import { addressFrom } from './address.ts'
import { TcpConnection } from './connection.ts'
import { listenErrorOf } from './errno.ts'
import { defaultBacklog, defaultMaxConnections, type ListenOptions } from './options.ts'

/** Waits for TCP or Unix socket connections on one address. */
export class TcpListener extends ListenerBase<TcpConnection, Uint8Array, Uint8Array | string> {
  readonly #options: ListenOptions
  #server: Server | undefined
  #address: Address | undefined

  constructor(options: ListenOptions, accept: Accept<TcpConnection, Uint8Array> | undefined) {
    super(accept)
    this.#options = options
  }

  /** Where it listens; with port 0, the port that the system chose. */
  get address(): Address {
    return this.#address as Address
  }

  /** Begins to listen, and resolves when it does. The address stays the same from the first time on. */
  relisten(): Promise<void> {
    const { host = '127.0.0.1', port = 0, path, backlog = defaultBacklog } = this.#options
    const chosen = this.#address?.kind === 'ip' ? this.#address.port : port
    const where = path === undefined ? { host, port: chosen } : { path }
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => {
        const asked: Address | string = path === undefined ? `${host}:${chosen}` : { kind: 'unix', path }
        reject(listenErrorOf(error, asked))
      }
      server.once('error', refuse)
      server.listen({ ...where, backlog }, () => {
        server.off('error', refuse)
        // What the system reports later (no descriptors on accept) passes; the listener goes on.
        server.on('error', () => {})
        server.on('connection', (socket) => this.#take(socket))
        const bound = server.address()
        this.#address =
          bound === null || typeof bound === 'string'
            ? addressFrom(undefined, undefined, path ?? '')
            : addressFrom(bound.address, bound.port, '')
        this.#server = server
        resolve()
      })
    })
  }

  protected unlisten(): Promise<void> {
    // The server's own callback waits for the connections, too; the socket itself is closed at once.
    this.#server?.close()
    this.#server = undefined
    return Promise.resolve()
  }

  #take(socket: Socket): void {
    const { maxConnections = defaultMaxConnections, path } = this.#options
    // The peer was gone before it could be accepted, or comes beyond the limit.
    if (
      (path === undefined && socket.remoteAddress === undefined) ||
      this.connections.size >= maxConnections
    ) {
      socket.on('error', () => {})
      if (path === undefined) socket.resetAndDestroy()
      else socket.destroy()
      return
    }
    this.adopt(new TcpConnection(socket, path))
  }
}
