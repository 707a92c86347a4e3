import { createHmac, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { type SecureContext, type SecureContextOptions, TLSSocket, type TLSSocketOptions } from 'node:tls'

import { ProtocolError } from '@fairlead/core'
import { checkFunction, reasonOf } from '@fairlead/core/transport'

import type { Marked, TlsEngine, Verdict } from './engine.ts'
import { certificateOf } from './facts.ts'
import { HostTable, hostNameOf } from './host-name.ts'
import { certificatesOf, contextOf, type TlsIdentity } from './identity.ts'
import { checkTls, type TlsServerOptions } from './options.ts'

type ContextCallback = (error: Error | null, context?: SecureContext) => void

/**
 * The server's side of TLS. It is made whole or not at all, and never changes: other certificates are another
 * acceptor, and handshakes under way end with the one they began with.
 */
export class TlsAcceptor implements TlsEngine {
  readonly doneEvent = 'secure'
  readonly strict: boolean
  readonly #asks: boolean
  readonly #alpn: string[] | undefined
  readonly #shared: SecureContextOptions
  readonly #context: SecureContext
  readonly #hasDefault: boolean
  readonly #servers = new HostTable<SecureContext>()
  readonly #select: TlsServerOptions['select']
  readonly #selected = new WeakMap<TlsIdentity, SecureContext>()

  /**
   * @param secret keeps sessions resumable from one acceptor to the next.
   * @throws TypeError or RangeError that names the option.
   */
  constructor(options: TlsServerOptions, secret: Uint8Array = randomBytes(32)) {
    checkServer(options)
    const { minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', clientCertificate = 'none', ciphers } = options
    this.strict = clientCertificate === 'require'
    this.#asks = clientCertificate !== 'none'
    this.#alpn = options.alpn && [...options.alpn]
    const ca = options.ca === undefined ? [] : certificatesOf('tls.ca', options.ca)
    this.#shared = {
      ca,
      minVersion,
      maxVersion,
      honorCipherOrder: true,
      sessionIdContext: 'fairlead',
      ticketKeys: ticketKeysOf(secret, clientCertificate, ca),
      ...(ciphers === undefined ? {} : { ciphers }),
    }
    this.#hasDefault = options.cert !== undefined
    this.#context = contextOf('tls', options, this.#shared)
    for (const [name, identity] of Object.entries(options.servers ?? {})) {
      const option = `tls.servers['${name}']`
      requireIdentity(option, identity)
      this.#servers.set('tls.servers', name, contextOf(option, identity, this.#shared))
    }
    this.#select = options.select?.bind(options)
  }

  over(wire: Socket): TLSSocket {
    const options: TLSSocketOptions & Marked = {
      isServer: true,
      secureContext: this.#context,
      requestCert: this.#asks,
      rejectUnauthorized: this.strict,
      highWaterMark: wire.writableHighWaterMark,
      SNICallback: (name, callback) => this.#choose(name, callback),
    }
    if (this.#alpn) options.ALPNProtocols = this.#alpn
    const socket = new TLSSocket(wire, options)
    // Only an attacker renegotiates with a server.
    socket.disableRenegotiation?.()
    return socket
  }

  judge(socket: TLSSocket): Verdict {
    if (!this.#asks) return { authorized: false }
    // Node fills `authorized` in for sockets of a tls.Server only; the verdict itself is the engine's.
    const { ssl } = socket as { ssl?: { verifyError?(): { code?: string } | null | undefined } }
    if (typeof ssl?.verifyError !== 'function') {
      return { authorized: false, refusal: 'this runtime cannot verify client certificates' }
    }
    if (!certificateOf(socket)) return { authorized: false, refusal: 'no certificate' }
    const refusal = ssl.verifyError()
    return refusal ? { authorized: false, refusal: refusal.code ?? 'unknown' } : { authorized: true }
  }

  /** Nothing that the user's function does may leave here: the runtime would end the process. */
  #choose(asked: string, callback: ContextCallback): void {
    const name = hostNameOf(asked)
    const known = name === undefined ? undefined : this.#servers.get(name)
    if (known || !this.#select || name === undefined) return this.#answer(name, known, callback)
    const settle = (identity: TlsIdentity | undefined): void => {
      try {
        this.#answer(name, identity && this.#contextOf(identity), callback)
      } catch (error) {
        callback(errorOf(error))
      }
    }
    const fail = (error: unknown): void => callback(errorOf(error))
    try {
      const identity = this.#select(name)
      if (isThenable(identity)) identity.then(settle, fail)
      else settle(identity)
    } catch (error) {
      fail(error)
    }
  }

  #answer(name: string | undefined, context: SecureContext | undefined, callback: ContextCallback): void {
    if (context || this.#hasDefault) return callback(null, context)
    const asked = name ?? 'what is not a host name'
    callback(new ProtocolError(`no certificate for ${asked}`, { side: 'remote', phase: 'tls' }))
  }

  #contextOf(identity: TlsIdentity): SecureContext {
    requireIdentity('select', identity)
    let context = this.#selected.get(identity)
    if (!context) this.#selected.set(identity, (context = contextOf('select', identity, this.#shared)))
    return context
  }
}

/**
 * Keys for session tickets (RFC 5077): the same for the same secret, so that sessions outlive a change of
 * certificates; but others when the rules for clients change, because a resumed session is not verified again.
 */
function ticketKeysOf(secret: Uint8Array, rule: string, ca: readonly Buffer[]): Buffer {
  const hash = createHmac('sha384', secret).update(rule)
  for (const authority of ca) hash.update(`\n${authority.byteLength}\n`).update(authority)
  return hash.digest()
}

function checkServer(options: TlsServerOptions): void {
  checkTls(options)
  const { cert, servers, select, clientCertificate = 'none', ca } = options
  if (servers !== undefined && (typeof servers !== 'object' || servers === null)) {
    throw new TypeError('Invalid option tls.servers: must be an object of identities by name')
  }
  checkFunction('tls.select', select)
  if (cert === undefined && !select && Object.keys(servers ?? {}).length === 0) {
    throw new TypeError('Invalid option tls.cert: a server needs a certificate')
  }
  if (!['none', 'request', 'require'].includes(clientCertificate)) {
    throw new TypeError('Invalid option tls.clientCertificate: must be none, request or require')
  }
  if ((clientCertificate === 'none') !== (ca === undefined)) {
    throw new TypeError('Invalid option tls.ca: goes together with tls.clientCertificate request or require')
  }
}

function requireIdentity(name: string, identity: Partial<TlsIdentity> | null): void {
  if (typeof identity === 'object' && identity?.cert !== undefined) return
  throw new TypeError(`Invalid option ${name}: must be an object with cert and key`)
}

function isThenable<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof (answer as PromiseLike<T> | undefined)?.then === 'function'
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(reasonOf(thrown))
}
