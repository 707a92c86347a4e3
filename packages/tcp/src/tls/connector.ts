import { createHash } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity as isNamed,
  connect,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'

import { ProtocolError } from '@fairlead/core'
import { checkBoolean, checkFunction, reasonOf } from '@fairlead/core/transport'

import type { Marked, TlsEngine, Verdict } from './engine.ts'
import { certificateOf } from './facts.ts'
import { hostNameOf } from './host-name.ts'
import { certificatesOf, contextOf } from './identity.ts'
import { checkTls, type TlsClientOptions } from './options.ts'
import { type TlsSession, TlsSessions } from './sessions.ts'

/** One context for each object of options: making one costs more than a handshake. */
const contexts = new WeakMap<TlsClientOptions, SecureContext>()
const plain: TlsClientOptions = {}

/** The client's side of TLS, towards one server. */
export class TlsConnector implements TlsEngine {
  readonly doneEvent = 'secureConnect'
  readonly strict: boolean
  readonly #options: TlsClientOptions
  readonly #context: SecureContext
  readonly #host: string
  readonly #server: string
  readonly #alpn: string[] | undefined
  /** Whom it believes: a session that was verified by other rules is not taken up. */
  readonly #rules: string
  /** The sessions that sockets try to take up again. */
  readonly #taken = new WeakMap<TLSSocket, TlsSession>()

  /**
   * @param where what is connected to; without a host (a Unix socket) `serverName` is needed.
   * @throws TypeError or RangeError that names the option.
   */
  constructor(
    options: true | TlsClientOptions,
    where: { host?: string | undefined; port?: number | undefined },
  ) {
    this.#options = options === true ? plain : options
    checkTls(this.#options)
    const { serverName, verify = true, checkServerIdentity, sessions } = this.#options
    checkBoolean('tls.verify', verify)
    if (sessions !== undefined && !(sessions instanceof TlsSessions)) {
      throw new TypeError('Invalid option tls.sessions: must be a TlsSessions')
    }
    checkFunction('tls.checkServerIdentity', checkServerIdentity)
    this.strict = verify
    this.#host = hostOf(serverName, where.host)
    this.#server = `${this.#host}:${where.port ?? 0}`
    this.#alpn = this.#options.alpn && [...this.#options.alpn]
    this.#context = contextFor(this.#options)
    this.#rules = sessions ? rulesOf(this.#options) : ''
  }

  over(wire: Socket): TLSSocket {
    const { sessions } = this.#options
    const options: ConnectionOptions & Marked = {
      socket: wire,
      highWaterMark: wire.writableHighWaterMark,
      host: this.#host,
      secureContext: this.#context,
      rejectUnauthorized: this.strict,
      checkServerIdentity: (host, certificate) => this.#checkIdentity(host, certificate),
    }
    // An address is no server name (RFC 6066 section 3).
    if (isIP(this.#host) === 0) options.servername = this.#host
    if (this.#alpn) options.ALPNProtocols = this.#alpn
    const session = sessions && TlsSessions.take(sessions, this.#server, this.#rules)
    if (session) options.session = session.ticket
    const socket = connect(options)
    if (session) this.#taken.set(socket, session)
    if (sessions) this.#remember(socket, sessions)
    return socket
  }

  judge(socket: TLSSocket): Verdict {
    const certificate = socket.isSessionReused() ? this.#taken.get(socket)?.certificate : undefined
    if (socket.authorized) return { authorized: true, certificate }
    const refusal: unknown = socket.authorizationError
    return {
      authorized: false,
      refusal: refusal instanceof Error ? refusal.message : String(refusal),
      certificate,
    }
  }

  /** Sessions come with the handshake or behind it (RFC 8446 section 4.6.1), and more than one. */
  #remember(socket: TLSSocket, sessions: TlsSessions): void {
    let secured = false
    let early: Buffer | undefined
    const keep = (ticket: Buffer): void => {
      if (!socket.authorized) return
      const certificate = certificateOf(socket) ?? this.#taken.get(socket)?.certificate
      TlsSessions.keep(sessions, this.#server, { ticket, certificate, rules: this.#rules })
    }
    socket.on('session', (ticket) => {
      if (secured) keep(ticket)
      else early = ticket
    })
    socket.once('secureConnect', () => {
      secured = true
      if (early) keep(early)
    })
    socket.once('close', () => {
      if (!secured) TlsSessions.forget(sessions, this.#server)
    })
  }

  /** The runtime would let an exception end the process. */
  #checkIdentity(host: string, certificate: PeerCertificate): Error | undefined {
    const check = this.#options.checkServerIdentity
    try {
      const refusal: unknown = check
        ? check.call(this.#options, host, certificate)
        : isNamed(host, certificate)
      if (refusal === undefined) return undefined
      if (refusal instanceof Error) return check ? refusedBy(refusal) : refusal
      // Of a promise nobody would hear that it rejects.
      void Promise.resolve(refusal).catch(() => {})
      return refusedBy(new Error('checkServerIdentity answered with neither an Error nor undefined'))
    } catch (error) {
      return refusedBy(error)
    }
  }
}

/**
 * The refusal of an application: asking again would not help. What it threw itself is not handed to the runtime, which
 * reads it outside of anything that would catch what that throws.
 */
function refusedBy(cause: unknown): ProtocolError {
  return new ProtocolError(reasonOf(cause), { side: 'remote', phase: 'tls', cause })
}

const checks = new WeakMap<object, number>()
let checkCount = 0

/** The rules by which a server is verified, as a text that is the same for the same rules. */
function rulesOf({ ca, cert, verify = true, checkServerIdentity }: TlsClientOptions): string {
  const hash = createHash('sha256')
  for (const pem of [ca, cert].flat(2)) hash.update(pem ?? '').update('\0')
  if (checkServerIdentity && !checks.has(checkServerIdentity)) checks.set(checkServerIdentity, ++checkCount)
  const check = checkServerIdentity ? checks.get(checkServerIdentity) : 0
  return `${verify} ${check} ${hash.digest('base64')}`
}

function contextFor(options: TlsClientOptions): SecureContext {
  let context = contexts.get(options)
  if (!context) {
    const { ca, ciphers, minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3' } = options
    context = contextOf('tls', options, {
      minVersion,
      maxVersion,
      ...(ca === undefined ? {} : { ca: certificatesOf('tls.ca', ca) }),
      ...(ciphers === undefined ? {} : { ciphers }),
    })
    contexts.set(options, context)
  }
  return context
}

function hostOf(serverName: string | undefined, host: string | undefined): string {
  const asked = serverName ?? host
  if (asked === undefined) {
    throw new TypeError('Invalid option tls.serverName: there is no host to take it from')
  }
  const name = typeof asked === 'string' ? (isIP(asked) ? asked : hostNameOf(asked)) : undefined
  if (name !== undefined) return name
  throw new TypeError(`Invalid option tls.serverName: ${asked} is not a host name`)
}
