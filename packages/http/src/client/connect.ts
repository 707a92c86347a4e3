import { type ByteConnection, ConnectError, SocketError, TimeoutError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { type TlsClientOptions, TlsSessions } from '@fairlead/tcp'

import { HttpProtocolError } from '../errors.ts'
import type { Connect, ConnectTarget } from './options.ts'
import type { HttpProxy } from './proxy/proxy.ts'
import { tunnel } from './proxy/tunnel.ts'

/** A connection for whom, and through whom. */
export interface Route extends Omit<ConnectTarget, 'signal'> {
  /** The proxy that is connected to in the place of the target. */
  readonly proxy: HttpProxy | undefined
  /** Whether a proxy is asked for a tunnel: for TLS, and for what goes on as another protocol. */
  readonly tunnelled: boolean
}

/** What TLS to a server of HTTP/1.1 says, unless it is told otherwise; remembers sessions. */
export function tlsFor(tls: TlsClientOptions = {}): TlsClientOptions {
  return { alpn: ['http/1.1'], sessions: new TlsSessions(), ...tls }
}

/**
 * Connects over tcp: to the target, or to its proxy and, for https, through it.
 *
 * @param writeTimeout what the connection is held to; a request has a time of its own for that.
 */
export async function connect(
  route: Route,
  signal: AbortSignal,
  writeTimeout = Infinity,
): Promise<ByteConnection> {
  const { unix, tls, timeouts, proxy, tunnelled } = route
  const { dns, connect: connectTimeout, tls: tlsTimeout } = timeouts
  const { host, port } = proxy ?? route
  const connected = tcp.connect({
    ...(unix === undefined ? { host, port } : { path: unix }),
    ...(tls && { tls }),
    ...(proxy && tunnelled && { prelude: through(proxy, route) }),
    ...within({ dnsTimeout: dns, connectTimeout, tlsTimeout }),
    writeTimeout,
    signal,
  })
  return proxy ? connected.catch((error: unknown) => rethrow(error, proxy, route)) : connected
}

/** Says that it was a proxy; what that has answered counts for more than that no connection came of it. */
function rethrow(error: unknown, proxy: HttpProxy, { host, port, tls }: Route): never {
  const known = error instanceof ConnectError || error instanceof TimeoutError
  if (!known || !error.message.startsWith(attempt)) throw error
  const { message, code, phase, retryable, cause } = error
  const causes: unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
  const answered = causes.find((one) => one instanceof HttpProtocolError)
  if (answered) throw answered
  const at = `the proxy ${proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host}:${proxy.port}`
  // In a tunnel TLS is spoken with the target.
  const whom = phase === 'tls' && tls && !proxy.secure ? `${host}:${port} through ${at}` : at
  const why = message.slice(message.indexOf(': ', attempt.length))
  const options = { code, phase: phase as TimeoutError['phase'], retryable, ...(cause ? { cause } : {}) }
  const told = `${attempt}${whom}${why}`
  throw error instanceof ConnectError
    ? new ConnectError(told, { ...options, attempts: error.attempts })
    : new TimeoutError(told, options)
}

/** How tcp begins to say that it could not connect. */
const attempt = 'Cannot connect to '

/** Lets `hook` connect, for as long as the route allows. */
export async function connectBy(hook: Connect, route: Route, signal: AbortSignal): Promise<ByteConnection> {
  const { connect: time } = route.timeouts
  const timeout = new AbortController()
  const both = AbortSignal.any([signal, timeout.signal])
  const timer =
    time === Infinity ? undefined : setTimeout(() => timeout.abort(tooLate(time)), Math.min(time, longest))
  try {
    const made = hook({ ...route, signal: both })
    const connection = await unlessAborted(made, both)
    if (typeof (connection as Partial<ByteConnection> | undefined)?.handle !== 'function') {
      throw new ConnectError('Cannot connect: the option connect gave no connection')
    }
    return connection
  } catch (error) {
    if (SocketError.is(error)) throw error
    const { message } = SocketError.from(error, 'Cannot connect')
    throw new ConnectError(message, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

/** It has the time that connecting has. */
function through(proxy: HttpProxy, { host, port }: Route): ReturnType<typeof tunnel> {
  return tunnel({ host, port, authorization: proxy.authorization, timeout: Infinity })
}

/** The longest time that a timer of the runtime can hold, in milliseconds. */
const longest = 2_147_483_647

/** A limit that is lifted is as long as a timer can be. */
function within<T extends Record<string, number>>(times: T): T {
  return Object.fromEntries(Object.entries(times).map(([name, time]) => [name, Math.min(time, longest)])) as T
}

/** What comes too late is let go. */
function unlessAborted(made: Promise<ByteConnection>, signal: AbortSignal): Promise<ByteConnection> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error)
      // It may come to nothing, or to what is no connection.
      Promise.resolve(made)
        .then((connection) => connection.destroy())
        .catch(() => {})
    }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    Promise.resolve(made).then(
      (connection) => {
        signal.removeEventListener('abort', abort)
        resolve(connection)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', abort)
        reject(error)
      },
    )
  })
}

function tooLate(time: number): TimeoutError {
  return new TimeoutError(`Cannot connect: more than ${time} ms`, { phase: 'connect', retryable: true })
}
