import { isIP } from 'node:net'

import { type Address, ipAddress } from '@fairlead/core'

import { TcpAttempt } from './attempt.ts'
import { connectErrorOf, connectTimeoutOf, furthest, resolveErrorOf } from './connect-errors.ts'
import {
  checkConnect,
  type ConnectOptions,
  defaultAttemptDelay,
  defaultConnectTimeout,
  familyOf,
} from './connect-options.ts'
import { Race } from './race.ts'
import { type RefusedAttempt, refusedBy } from './refused-attempt.ts'
import { Resolution } from './resolve.ts'
import type { StreamConnection } from './stream.ts'

/**
 * Connects over TCP or to a Unix socket. A name is resolved for IPv4 and IPv6, and its addresses are raced
 * (RFC 8305): each has `attemptDelay` to itself before the next is tried beside it, the first connection that
 * is ready wins, `prelude` and TLS included, and the others are destroyed. Born paused: nothing is read before
 * the connection is handled or iterated. Whoever called owns it.
 *
 * @throws TypeError or RangeError that names the option; ConnectError with one record per address tried, or
 *   with phase `dns` and the resolver's error as its cause; TimeoutError with the phase in which it hung, and
 *   as its cause a ConnectError with the records; `signal.reason` when aborted.
 * @example
 * ```ts
 * const connection = await connect({ port: 7000 })
 * await connection.send('ahoy\n')
 * for await (const chunk of connection) console.log(Buffer.from(chunk).toString())
 * ```
 */
export async function connect(options: ConnectOptions): Promise<StreamConnection> {
  checkConnect(options)
  const {
    signal,
    dnsTimeout,
    connectTimeout = defaultConnectTimeout,
    attemptDelay = defaultAttemptDelay,
  } = options
  signal?.throwIfAborted()

  const tried: (TcpAttempt | RefusedAttempt)[] = []
  const start = (address: Address): TcpAttempt | RefusedAttempt => {
    // Here, and nowhere before: this very address is what is connected to.
    const attempt = refusedBy(options.allow, address) ?? new TcpAttempt(address, options)
    tried.push(attempt)
    return attempt
  }
  const target = targetOf(options)
  const whole = target instanceof Resolution ? new Race(target, start, attemptDelay) : start(target)

  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer)
      clearTimeout(dnsTimer)
      signal?.removeEventListener('abort', abort)
      if (target instanceof Resolution) target.cancel()
    }
    const giveUp = (reason: unknown): void => {
      settle()
      whole.cancel()
      reject(reason)
    }
    const abort = (): void => giveUp(signal?.reason)
    const tooLate = (milliseconds: number): void => {
      const phase = furthest(tried.filter((attempt) => !attempt.failed).map((attempt) => attempt.phase))
      const attempts = tried.map((attempt) => attempt.record)
      giveUp(connectTimeoutOf(phase, milliseconds, attempts, nameOf(options)))
    }
    const timer = setTimeout(() => tooLate(connectTimeout), connectTimeout)
    const dnsTimer =
      dnsTimeout === undefined || !(target instanceof Resolution)
        ? undefined
        : setTimeout(() => target.found || tooLate(dnsTimeout), dnsTimeout)
    // The lookup may have aborted it already.
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort, { once: true })
    whole.result.then(
      (connection) => {
        settle()
        resolve(connection)
      },
      () => {
        settle()
        const unresolved = tried.length === 0 && target instanceof Resolution
        reject(
          unresolved ? resolveErrorOf(target.error, nameOf(options)) : connectErrorOf(tried, nameOf(options)),
        )
      },
    )
  })
}

/** The one address there is, or the name's as they are found. */
function targetOf(options: ConnectOptions): Address | Resolution {
  const { host = '127.0.0.1', port = 0, path, lookup } = options
  if (path !== undefined) return { kind: 'unix', path }
  if (isIP(host) !== 0) return ipAddress(host, port)
  return new Resolution({ host, port, lookup, family: familyOf(options) })
}

/** Whom and from where, for messages. */
function nameOf({ host = '127.0.0.1', port = 0, path, localAddress }: ConnectOptions): string {
  const from = localAddress === undefined ? '' : ` from ${localAddress}`
  return path ?? `${host.includes(':') ? `[${host}]` : host}:${port}${from}`
}
