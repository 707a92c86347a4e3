import type { Duplex } from 'node:stream'

import { ConnectError, TimeoutError } from '@fairlead/core'
import { WebSocket } from 'ws'

/** What a client's handshake needs. */
export interface Opening {
  readonly target: URL
  /** How errors call it. */
  readonly name: string
  readonly socket: Duplex
  readonly maxPayload: number
  readonly protocols: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly handshakeTimeout: number
  readonly signal: AbortSignal | undefined
}

/**
 * The client's handshake. `open` is called in the very turn of its end, before anything else can happen to the
 * socket; when it fails, the socket is destroyed.
 *
 * @throws TypeError for what cannot be asked; ConnectError, TimeoutError, `signal.reason`.
 */
export function shakeHands<C>(opening: Opening, open: (ws: WebSocket) => C): Promise<C> {
  const { name, socket, handshakeTimeout, signal } = opening
  return new Promise((resolve, reject) => {
    let ws: WebSocket | undefined
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      ws?.off('error', refuse)
    }
    const fail = (error: Error): void => {
      settle()
      // Nothing that the dying handshake still reports matters any more.
      ws?.on('error', () => {})
      ws?.terminate()
      socket.destroy()
      reject(error)
    }
    const refuse = (cause: Error, retryable = /^E[A-Z]/.test(codeOf(cause))): void => {
      const message = `Cannot connect to ${name}: ${cause.message}`
      fail(new ConnectError(message, { phase: 'handshake', retryable, cause }))
    }
    const abort = (): void => fail(signal?.reason as Error)
    const timer = setTimeout(() => {
      const message = `Cannot connect to ${name}: no handshake within ${handshakeTimeout} ms`
      fail(new TimeoutError(message, { phase: 'handshake', retryable: true }))
    }, handshakeTimeout)
    try {
      ws = begin(opening)
    } catch (cause) {
      fail(new TypeError(`Cannot connect to ${name}: ${(cause as Error).message}`, { cause }))
      return
    }
    ws.once('error', refuse)
    ws.once('unexpected-response', (_request, { statusCode = 0 }) => {
      refuse(new Error(`the server answered ${statusCode}`), statusCode === 429 || statusCode >= 500)
    })
    const opened = ws
    ws.once('open', () => {
      settle()
      resolve(open(opened))
    })
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
    socket.resume()
  })
}

function begin({ target, socket, maxPayload, protocols, headers }: Opening): WebSocket {
  const createConnection = (): never => socket as never
  const options = { headers, maxPayload, perMessageDeflate: false, createConnection }
  return new WebSocket(target, [...protocols], options)
}

/** The system's code, such as `ECONNRESET`; a malformed answer has one of another shape. */
function codeOf(error: Error): string {
  return String((error as { code?: unknown }).code)
}
