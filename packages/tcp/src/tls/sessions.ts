import { checkPositive } from '@fairlead/core/transport'

import type { TlsCertificate } from './engine.ts'

/** Servers that a {@link TlsSessions} remembers unless told otherwise. */
const defaultCapacity = 256

/** What is needed to go on where an earlier handshake ended. */
export interface TlsSession {
  readonly ticket: Buffer
  readonly certificate: TlsCertificate | undefined
  /** By which it was verified. */
  readonly rules: string
}

/**
 * Remembers the last TLS session with each server, so that the next handshake with it takes up where that one
 * ended (RFC 8446 section 2.2). Only sessions whose server was verified are kept. The one that was not used for the
 * longest time is forgotten first. A resumed session is not verified again, so one that was
 * verified by another `ca`, `verify` or `checkServerIdentity` is not taken up.
 *
 * @example
 * ```ts
 * const tls = { sessions: new TlsSessions() }
 * await using first = await connect({ host: 'example.com', port: 443, tls })
 * ```
 */
export class TlsSessions {
  readonly #capacity: number
  readonly #sessions = new Map<string, TlsSession>()

  /** @throws RangeError when `capacity`, a count of servers, is not one. Default 256. */
  constructor(capacity = defaultCapacity) {
    checkPositive('capacity', capacity)
    this.#capacity = capacity
  }

  /** How many there are. */
  get size(): number {
    return this.#sessions.size
  }

  /** Forgets them all. */
  clear(): void {
    this.#sessions.clear()
  }

  /** The session with a server, verified by these rules, which counts as used now. */
  static take(from: TlsSessions, server: string, rules: string): TlsSession | undefined {
    const session = from.#sessions.get(server)
    if (session?.rules !== rules) return undefined
    TlsSessions.keep(from, server, session)
    return session
  }

  static keep(where: TlsSessions, server: string, session: TlsSession): void {
    const sessions = where.#sessions
    sessions.delete(server)
    sessions.set(server, session)
    if (sessions.size <= where.#capacity) return
    for (const oldest of sessions.keys()) {
      sessions.delete(oldest)
      break
    }
  }

  /** A session that did not help is not tried again. */
  static forget(where: TlsSessions, server: string): void {
    where.#sessions.delete(server)
  }
}
