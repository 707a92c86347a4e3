// What ws's tests take for a WebSocket of its server, on a connection of Fairlead's.

import { EventEmitter } from 'node:events'

export function makeSockets({ CONNECTING, OPEN, CLOSING, CLOSED }, EMPTY_BUFFER) {
  return class ServerSocket extends EventEmitter {
    static CONNECTING = CONNECTING
    static OPEN = OPEN
    static CLOSING = CLOSING
    static CLOSED = CLOSED
    binaryType = 'nodebuffer'
    #connection
    #over = false
    #said

    constructor(connection, socket) {
      super()
      this._socket = socket
      this.#connection = connection
      connection.handle({
        onData: (message) => unguarded(() => this.#receive(message)),
        onClose: (reason) => unguarded(() => this.#closed(reason)),
      })
    }

    get readyState() {
      return this.#over ? CLOSED : this.#connection.state === 'open' ? OPEN : CLOSING
    }

    get protocol() {
      return this.#connection.protocol
    }

    get extensions() {
      return this.#connection.compressed ? 'permessage-deflate' : ''
    }

    get bufferedAmount() {
      return this.#connection.buffered
    }

    send(data, ...rest) {
      const callback = rest.find((one) => typeof one === 'function')
      const options = rest.find((one) => typeof one === 'object') ?? {}
      if (options.fin === false) throw new Error('Fairlead sends no fragments')
      let message = bytesOf(data)
      if (typeof message === 'string' ? options.binary === true : options.binary === false) {
        message = typeof message === 'string' ? Buffer.from(message) : message.toString()
      }
      const sent = this.readyState === OPEN ? this.#connection.send(message) : Promise.reject(this.#notOpen())
      sent.then(
        () => callback?.(),
        (error) => callback?.(error),
      )
    }

    /** Whoever has it answered need not have chosen what is in it. */
    ping(...args) {
      const callback = args.find((one) => typeof one === 'function')
      if (this.readyState !== OPEN) return callback?.(this.#notOpen())
      const asked = this.#connection.ping()
      callback?.()
      asked.then(
        () => this.emit('pong', Buffer.alloc(0)),
        () => {},
      )
    }

    pong(...args) {
      const callback = args.find((one) => typeof one === 'function')
      if (this.readyState === OPEN) throw new Error('Fairlead sends no Pong that nobody asked for')
      callback?.(this.#notOpen())
    }

    close(code, reason) {
      if (this.readyState !== OPEN) return
      this.#said = code
      const text = reason === undefined ? undefined : String(reason)
      void this.#connection.close({
        ...(code !== undefined && { code }),
        ...(text !== undefined && { text }),
      })
    }

    terminate() {
      this.#connection.destroy()
    }

    pause() {
      this.#connection.pause()
      this.isPaused = true
    }

    resume() {
      this.#connection.resume()
      this.isPaused = false
    }

    addEventListener(type, listener) {
      const shapes = {
        message: (data, isBinary) => ({ data: isBinary ? data : data.toString() }),
        close: (code, reason) => ({ code, reason: reason.toString(), wasClean: code !== 1006 }),
        error: (error) => ({ error, message: error.message }),
      }
      this.on(type, (...args) => listener({ type, target: this, ...shapes[type]?.(...args) }))
    }

    set onmessage(listener) {
      this.addEventListener('message', listener)
    }

    set onclose(listener) {
      this.addEventListener('close', listener)
    }

    #receive(message) {
      const isBinary = typeof message !== 'string'
      const bytes = bytesOf(isBinary ? message : Buffer.from(message))
      this.emit('message', bytes.length > 0 ? bytes : EMPTY_BUFFER, isBinary)
    }

    #closed(reason) {
      this.#over = true
      const { kind, error, code, text = '' } = reason
      if (kind === 'error' && error.code !== 'ERR_FAIRLEAD_BROKEN') this.emit('error', error.cause ?? error)
      const came = { remote: code, local: this.#said ?? code ?? 1000 }[kind] ?? 1006
      this.emit('close', came, text === '' ? EMPTY_BUFFER : Buffer.from(text))
    }

    #notOpen() {
      const name = this.readyState === CLOSING ? 'CLOSING' : 'CLOSED'
      return new Error(`WebSocket is not open: readyState ${this.readyState} (${name})`)
    }
  }
}

/** What a callback throws costs its connection here, where the tests want it to reach the process. */
export function unguarded(callback) {
  try {
    callback()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

function bytesOf(data) {
  if (typeof data === 'string' || Buffer.isBuffer(data)) return data
  if (data instanceof ArrayBuffer) return Buffer.from(data)
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return String(data ?? '')
}
