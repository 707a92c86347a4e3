import { BusyError, type ByteConnection, ClosedError, type SocketError, TimeoutError } from '@fairlead/core'
import { channels, checkPositive } from '@fairlead/core/transport'

import { TcpConnection } from '../connection.ts'
import { TlsAcceptor } from './acceptor.ts'
import { TlsConnector } from './connector.ts'
import type { TlsEngine } from './engine.ts'
import { Handshake, type HandshakeOwner } from './handshake.ts'
import { defaultHandshakeTimeout, type TlsClientOptions, type TlsServerOptions } from './options.ts'

/** How a live connection goes on with TLS. */
export interface StartTlsOptions {
  /** Who this is. Default: whoever accepted the connection is the server. */
  side?: 'client' | 'server'
  /** Input that was read already and belongs to TLS. */
  head?: Uint8Array
  /** Milliseconds that the handshake may take, however slowly it moves. Default 10,000. */
  handshakeTimeout?: number
}

const acceptors = new WeakMap<object, TlsAcceptor>()
const started = new WeakSet<TcpConnection>()

/**
 * Goes on with TLS on a connection that was plain so far, as STARTTLS does (RFC 3207). It begins at once: what was read and not
 * delivered belongs to TLS, what is written from now on waits for the handshake, and the handler slot is empty. `tls`
 * is read once for each object: keep it and pass it again.
 *
 * Resolves when the handshake is done; `connection.tls` says what was agreed on. When it fails the connection is
 * closed, with the reason that this rejects with.
 *
 * @throws TypeError or RangeError that names the option, or when no socket is under the connection; BusyError when
 *   it has TLS already; ClosedError when it is not open; ProtocolError, BrokenError or TimeoutError with phase `tls`.
 * @example
 * ```ts
 * await connection.send('220 go ahead\r\n')
 * await startTls(connection, { cert, key })
 * ```
 */
export async function startTls(
  connection: ByteConnection,
  tls: TlsServerOptions | TlsClientOptions,
  options: StartTlsOptions = {},
): Promise<void> {
  if (!(connection instanceof TcpConnection)) {
    throw new TypeError('Cannot start TLS: no Node socket is under this connection')
  }
  const { side = connection.role === 'accepted' ? 'server' : 'client' } = options
  const { head, handshakeTimeout = defaultHandshakeTimeout } = options
  checkPositive('handshakeTimeout', handshakeTimeout)
  if (head !== undefined && !(head instanceof Uint8Array))
    throw new TypeError('Invalid option head: must be bytes')
  if (side !== 'server' && side !== 'client') {
    throw new TypeError(`Invalid option side: ${String(side)} is neither client nor server`)
  }
  const engine = side === 'server' ? acceptorOf(tls) : connectorOf(connection, tls)
  await secure(connection, engine, { head, timeout: handshakeTimeout })
}

interface SecureOptions {
  head?: Uint8Array | undefined
  /** In milliseconds; without one the caller keeps the time. */
  timeout?: number
}

/** Puts TLS on a connection. One that fails is closed, and the promise rejects with the same error. */
export function secure(
  connection: TcpConnection,
  engine: TlsEngine,
  { head, timeout }: SecureOptions = {},
): Promise<void> {
  const { remoteAddress } = connection
  return new Promise((resolve, reject) => {
    if (started.has(connection)) {
      throw new BusyError('Cannot start TLS: connection has TLS already', { peer: remoteAddress })
    }
    const startedAt = performance.now()
    const owner: HandshakeOwner = {
      remoteAddress,
      secured(facts, sluice) {
        connection.tls = facts
        if (sluice) TcpConnection.regulate(connection, sluice)
        tell(connection, startedAt)
        resolve()
      },
      failed(error) {
        if (!connection.tls) tell(connection, startedAt, error)
        reject(error)
        if (error instanceof TimeoutError) connection.expire('tls')
        else connection.destroy(error)
      },
    }
    try {
      TcpConnection.overlay(connection, (wire) => new Handshake(wire, engine, owner, timeout).socket, head)
    } catch (error) {
      if (!(error instanceof ClosedError)) connection.destroy(error as Error)
      throw error
    }
    started.add(connection)
  })
}

function tell(connection: TcpConnection, startedAt: number, error?: SocketError): void {
  if (!channels.handshake.hasSubscribers) return
  const duration = performance.now() - startedAt
  channels.handshake.publish({ connection, duration, ...(error && { error }) })
}

/** Sessions resume only with the same acceptor, and reading certificates costs more than a handshake. */
function acceptorOf(options: TlsServerOptions): TlsAcceptor {
  let acceptor = acceptors.get(options)
  if (!acceptor) acceptors.set(options, (acceptor = new TlsAcceptor(options)))
  return acceptor
}

function connectorOf(connection: TcpConnection, options: TlsClientOptions): TlsConnector {
  const { remoteAddress, host } = connection
  return new TlsConnector(
    options,
    remoteAddress.kind === 'ip' ? { host: host ?? remoteAddress.host, port: remoteAddress.port } : {},
  )
}
