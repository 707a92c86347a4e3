import { connect as open, type Socket } from 'node:net'

import {
  type ByteConnection,
  ConnectError,
  type ConnectAttempt,
  ipAddress,
  TimeoutError,
} from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

import { TcpConnection } from './connection.ts'
import { checkEndpoint, checkPositive, type ConnectOptions, defaultConnectTimeout } from './options.ts'

/**
 * Connects over TCP or to a Unix socket. Born paused: nothing is read before the connection is handled or
 * iterated. Whoever called owns it.
 *
 * @throws TypeError or RangeError that names the option; ConnectError with one record per address tried;
 *   TimeoutError with phase `connect`; `signal.reason` when aborted.
 * @example
 * ```ts
 * const connection = await connect({ port: 7000 })
 * await connection.send('ahoy\n')
 * for await (const chunk of connection) console.log(Buffer.from(chunk).toString())
 * ```
 */
export async function connect(options: ConnectOptions): Promise<ByteConnection> {
  checkEndpoint(options, 1)
  const { host = '127.0.0.1', port = 0, path, signal, connectTimeout = defaultConnectTimeout } = options
  checkPositive('connectTimeout', connectTimeout)
  signal?.throwIfAborted()
  const where = path === undefined ? { host, port } : { path }
  const name = path ?? `${host}:${port}`

  const started = performance.now()
  const attempts: ConnectAttempt[] = []
  const socket = open({ ...where, allowHalfOpen: true, noDelay: true })
  recordAttempts(socket, attempts)
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      settle()
      // Nothing that the dying socket still reports matters any more.
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(() => {
      fail(
        new TimeoutError(`Cannot connect to ${name}: no answer within ${connectTimeout} ms`, {
          phase: 'connect',
          retryable: true,
        }),
      )
    }, connectTimeout)
    const abort = (): void => fail(signal?.reason as Error)
    const refuse = (error: Error): void => {
      // Not every runtime tells of its attempts.
      if (attempts.length === 0) attempts.push(...attemptIn(error, started))
      const message = `Cannot connect to ${name}: ${attempts.length > 1 ? 'no address answered' : reasonOf(error)}`
      fail(new ConnectError(message, { attempts, cause: error }))
    }
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      socket.off('error', refuse)
    }
    signal?.addEventListener('abort', abort, { once: true })
    socket.once('error', refuse)
    socket.once('connect', () => {
      settle()
      resolve(new TcpConnection(socket, path))
    })
  })
}

/** One record for each address that the runtime tries. */
function recordAttempts(socket: Socket, attempts: ConnectAttempt[]): void {
  const started = new Map<string, number>()
  socket.on('connectionAttempt', (ip: string, port: number) =>
    started.set(`${ip} ${port}`, performance.now()),
  )
  const record = (ip: string, port: number, code: string): void => {
    const since = started.get(`${ip} ${port}`) ?? performance.now()
    const duration = performance.now() - since
    attempts.push({ address: ipAddress(ip, port), phase: 'connect', code, duration })
  }
  socket.on('connectionAttemptFailed', (ip: string, port: number, _family: number, error: Error) => {
    record(ip, port, codeOf(error))
  })
  socket.on('connectionAttemptTimeout', (ip: string, port: number) => record(ip, port, 'ETIMEDOUT'))
}

/** The attempt that an error of the runtime is about, if it names an address. */
function attemptIn(error: Error, started: number): ConnectAttempt[] {
  const { address, port } = error as { address?: unknown; port?: unknown }
  if (typeof address !== 'string' || typeof port !== 'number') return []
  const duration = performance.now() - started
  return [{ address: ipAddress(address, port), phase: 'connect', code: codeOf(error), duration }]
}
