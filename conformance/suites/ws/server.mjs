// What ws's tests take for its WebSocketServer, on Fairlead's `listen` and `accept`.

import { subscribe } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import { STATUS_CODES } from 'node:http'

import { accept, listen } from '../../../packages/ws-bridge/dist/index.js'
import { makeSockets, unguarded } from './socket.mjs'

/** Node's sockets by the port of their peer: the tests write to them behind the back of whoever has them. */
const sockets = new Map()
subscribe('net.server.socket', ({ socket }) => {
  const { remotePort } = socket
  sockets.set(remotePort, socket)
  socket.once('close', () => sockets.delete(remotePort))
})

export function makeServers(WebSocket, EMPTY_BUFFER) {
  const ServerSocket = makeSockets(WebSocket, EMPTY_BUFFER)

  return class WebSocketServer extends EventEmitter {
    #listener
    #off = () => {}
    #closed = false
    /** Requests whose connection has not come yet, by the port they came from. */
    #requests = new Map()
    clients

    constructor(options, callback) {
      super()
      this.options = options
      if (options.clientTracking !== false) this.clients = new Set()
      if (callback) this.on('listening', callback)
      if (options.server) this.#join(options.server)
      else if (options.port !== undefined) void this.#listen(options)
    }

    address() {
      if (this.options.noServer) throw new Error('The server is operating in "noServer" mode')
      if (this.options.server) return this.options.server.address()
      if (!this.#listener || this.#closed) return null
      const { host, family, port } = this.#listener.address
      return { address: host, family: `IPv${family}`, port }
    }

    close(callback) {
      if (callback) this.once('close', callback)
      if (this.#closed) {
        if (callback) this.off('close', callback)
        process.nextTick(() =>
          callback ? callback(new Error('The server is not running')) : this.emit('close'),
        )
        return
      }
      this.#closed = true
      this.#off()
      // ws leaves the connections that it has to themselves.
      const closed = this.#listener?.suspend()
      void Promise.resolve(closed).then(() => this.emit('close'))
    }

    shouldHandle({ url }) {
      const { path } = this.options
      return path === undefined || url.split('?', 1)[0] === path
    }

    handleUpgrade(request, socket, head, callback) {
      let connection
      try {
        if (this.#closed) throw new Error('The server is closed')
        if (!this.shouldHandle(request)) throw new Error('That path is not here')
        connection = accept(request, socket, head, this.#optionsFor(request))
      } catch (error) {
        if (!socket.writableEnded) abort(socket, this.#closed ? 503 : 400, error.message)
        return
      }
      callback(this.#dress(connection), request)
    }

    #join(server) {
      const hears = {
        listening: () => this.emit('listening'),
        error: (error) => this.emit('error', error),
        upgrade: (request, socket, head) => void this.#upgrade(request, socket, head),
      }
      for (const [name, listener] of Object.entries(hears)) server.on(name, listener)
      this.#off = () => {
        for (const [name, listener] of Object.entries(hears)) server.off(name, listener)
      }
    }

    async #upgrade(request, socket, head) {
      const { verifyClient } = this.options
      const secure = Boolean(request.socket.encrypted)
      const refusal = verifyClient && (await verified(verifyClient, { req: request, secure }))
      if (refusal) {
        abort(socket, refusal.status, refusal.text, refusal.headers)
        return
      }
      this.handleUpgrade(request, socket, head, (one) => this.emit('connection', one, request))
    }

    async #listen({ port, host = '127.0.0.1', path, verifyClient }) {
      try {
        this.#listener = await listen(
          {
            port,
            host,
            ...(path && { path }),
            authorize: async (request, exchange) => {
              const req = { ...requestOf(request), socket: {} }
              this.#requests.set(exchange.remoteAddress.port, req)
              if (verifyClient) return verified(verifyClient, { req, secure: request.secure })
            },
            ...this.#optionsFor(),
          },
          (connection) => {
            const { port: from } = connection.remoteAddress
            const request = this.#requests.get(from)
            this.#requests.delete(from)
            unguarded(() => this.emit('connection', this.#dress(connection), request))
          },
        )
      } catch (error) {
        this.emit('error', error)
        return
      }
      this.emit('listening')
    }

    #optionsFor(request) {
      const { maxPayload = 100 * 2 ** 20, maxFragments, maxBufferedChunks, perMessageDeflate } = this.options
      const { handleProtocols } = this.options
      const { threshold } = typeof perMessageDeflate === 'object' ? perMessageDeflate : {}
      return {
        messages: 'both',
        origins: 'any',
        heartbeat: false,
        maxPayload,
        ...(maxFragments && { maxFragments }),
        ...(maxBufferedChunks && { maxBufferedChunks }),
        compression: perMessageDeflate ? { ratio: 2000, ...(threshold > 0 && { threshold }) } : false,
        ...(handleProtocols && {
          protocols: (offered) =>
            handleProtocols(new Set(offered), request ?? requestOf({ target: '/' })) || undefined,
        }),
      }
    }

    #dress(connection) {
      const socket = new ServerSocket(connection, sockets.get(connection.remoteAddress.port))
      this.clients?.add(socket)
      socket.prependListener('close', () => this.clients?.delete(socket))
      return socket
    }
  }
}

/** What `node:http` makes of a request, as far as the tests look at it. */
function requestOf({ method = 'GET', target, headers = [] }) {
  const entries = Array.from(headers, ([name, value]) => [name.toLowerCase(), value])
  return { method, url: target, headers: Object.fromEntries(entries) }
}

async function verified(verifyClient, { req, secure }) {
  const info = { origin: req.headers.origin, secure, req }
  const [good, status = 401, text, headers = {}] = await new Promise((resolve) => {
    if (verifyClient.length < 2) resolve([verifyClient(info)])
    else verifyClient(info, (...answer) => resolve(answer))
  })
  const fields = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  return good ? undefined : { status, text: text || STATUS_CODES[status], headers: fields }
}

function abort(socket, status, text, headers = {}) {
  const fields = Object.entries({
    Connection: 'close',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  })
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.on('error', () => {})
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}\r\n${text}`)
}
