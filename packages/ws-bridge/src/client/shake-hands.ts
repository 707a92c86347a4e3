import type { ClientRequestArgs, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

import { ConnectError, TimeoutError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'
import { Fields } from '@fairlead/http'
import { WebSocket } from 'ws'

import { negotiation } from '../compression.ts'
import type { ConnectionSettings } from '../options.ts'
import { faultOfAnswer } from './answer.ts'
import { RefusedError } from './refused-error.ts'

/** What a client's handshake needs. */
export interface ClientOpening {
  /** How errors call it. */
  readonly name: string
  /** Path and query. */
  readonly path: string
  readonly protocols: readonly string[]
  /** Host among them. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>
  readonly settings: ConnectionSettings
  readonly handshakeTimeout: number
}

/**
 * The client's handshake, on a connection that is there and has TLS already where it is spoken. `open` is called in the
 * very turn of its end, before anything else can happen to the socket; when it fails, the socket is destroyed.
 *
 * @throws ConnectError, TimeoutError, `signal.reason`.
 */
export function shakeHands<C>(
  opening: ClientOpening,
  socket: Duplex,
  signal: AbortSignal | undefined,
  open: (ws: WebSocket) => C,
): Promise<C> {
  const { name, handshakeTimeout } = opening
  return new Promise((resolve, reject) => {
    const ws = begin(opening, socket)
    const settle = (): void => {
      deadline.clear()
      signal?.removeEventListener('abort', abort)
      ws.off('error', refuse)
    }
    const fail = (error: unknown): void => {
      settle()
      // Nothing that the dying handshake still reports matters any more.
      ws.on('error', () => {})
      ws.terminate()
      socket.destroy()
      reject(error)
    }
    const refuse = (cause: Error): void => {
      const retryable = /^E[A-Z]/.test(codeOf(cause))
      const message = `Cannot connect to ${name}: ${cause.message}`
      fail(new ConnectError(message, { phase: 'handshake', retryable, cause }))
    }
    const abort = (): void => fail(signal?.reason)
    const deadline = new Deadline({
      onDeadline() {
        const message = `Cannot connect to ${name}: no handshake within ${handshakeTimeout} ms`
        fail(new TimeoutError(message, { phase: 'handshake', retryable: true }))
      },
    })
    deadline.set(handshakeTimeout)
    ws.once('error', refuse)
    ws.once('unexpected-response', (_request, answer) => {
      if (answer.statusCode === 101) refuse(new Error('the server answered 101, and did not say to what'))
      else fail(refusalOf(name, answer))
    })
    ws.once('upgrade', (answer) => {
      const fault = faultOfAnswer(answer)
      if (fault !== undefined) refuse(new Error(fault))
    })
    ws.once('open', () => {
      settle()
      resolve(open(ws))
    })
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
    socket.resume()
  })
}

function begin({ path, protocols, fields, settings }: ClientOpening, socket: Duplex): WebSocket {
  const { maxPayload, maxFragments, maxBufferedChunks, pingRate, compression } = settings
  const limits = {
    maxPayload,
    maxFragments,
    maxBufferedChunks,
    // Ours says why it closes, and comes first.
    maxPendingAutoPongs: (pingRate.burst ?? pingRate.perSecond) + 10,
  }
  // A window of the server's choice could be one that zlib does not make: none is offered.
  const perMessageDeflate = compression ? { ...negotiation(compression), clientMaxWindowBits: false } : false
  const createConnection = (): never => socket as never
  const headers = fields as NonNullable<ClientRequestArgs['headers']>
  const options = { headers, perMessageDeflate, createConnection, ...limits }
  return new WebSocket(`ws://${nobody}${path}`, [...protocols], options)
}

/**
 * Whom `ws` is told to connect to, which is for us to do: a name that there is not (RFC 6761 section 6.4), so that nothing
 * goes to anybody past our proxies and our TLS, should it not ask for the connection.
 */
const nobody = 'connection.invalid'

function refusalOf(name: string, { statusCode: status = 0, rawHeaders }: IncomingMessage): RefusedError {
  const headers = new Fields(rawHeaders)
  return new RefusedError(`Cannot connect to ${name}: the server answered ${status}`, { status, headers })
}

/** The system's code, such as `ECONNRESET`; a malformed answer has one of another shape. */
function codeOf(error: Error): string {
  return String((error as { code?: unknown }).code)
}
