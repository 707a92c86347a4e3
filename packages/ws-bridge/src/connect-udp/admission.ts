import type { ByteConnection } from '@fairlead/core'
import { Deadline, type DeadlineOwner, unlessAborted } from '@fairlead/core/transport'
import type { Exchange } from '@fairlead/http'
import * as udp from '@fairlead/udp'

import type { Refusal } from '../handshake.ts'
import { maxPayload } from './datagram.ts'
import type { UdpProxySettings } from './options.ts'
import { placeOf } from './place.ts'
import { type RefusalCause, refusalOf, refusals, type TunnelRefusal } from './refusal.ts'
import type { Counters } from './stats.ts'
import { addressOf, type Target, targetOf } from './target.ts'
import { decoded, type Variables } from './template.ts'
import type { TunnelSides } from './tunnel.ts'

/** What an admission asks of its proxy, and tells it. */
export interface AdmissionHost {
  readonly settings: UdpProxySettings
  readonly counters: Counters
  readonly accepting: boolean
  /** Takes a place for a tunnel, or answers why there is none. */
  reserve(place: string): RefusalCause | undefined
  /** There is a tunnel; it keeps its place. */
  open(sides: TunnelSides, head: Uint8Array, place: string): void
  /** It was decided; a place that was reserved and not used is given back. */
  over(admission: Admission, unused: string | undefined): void
}

/** The answer that makes a tunnel (RFC 9298 section 3.3). */
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: connect-udp\r\nCapsule-Protocol: ?1\r\n\r\n'

/** One request for a tunnel, from its head to its answer (RFC 9298 sections 3.1 to 3.3). */
export class Admission implements DeadlineOwner {
  readonly #exchange: Exchange
  readonly #host: AdmissionHost
  readonly #leaving = new AbortController()
  #place: string | undefined
  /** `authorize` took too long. */
  #late = false

  constructor(exchange: Exchange, host: AdmissionHost) {
    this.#exchange = exchange
    this.#host = host
  }

  /** The proxy closes: nothing is waited for any more. */
  abort(): void {
    this.#leaving.abort()
  }

  onDeadline(): void {
    this.#late = true
    this.abort()
  }

  /** Answers, one way or the other. Never rejects. */
  async decide(variables: Variables): Promise<void> {
    const exchange = this.#exchange
    const gone = (): void => this.abort()
    exchange.signal.addEventListener('abort', gone, { once: true })
    if (exchange.signal.aborted) gone()
    try {
      const refusal = await this.#try(variables)
      if (refusal) this.#refuse(refusal)
    } catch (error) {
      if (this.#leaving.signal.aborted) this.#refuse(this.#late ? refusals.late : refusals.closing)
      else exchange.fail(error)
    } finally {
      exchange.signal.removeEventListener('abort', gone)
      this.#host.over(this, this.#place)
    }
  }

  /** Makes the tunnel, or answers why not; undefined also when somebody else has answered. */
  async #try(variables: Variables): Promise<TunnelRefusal | undefined> {
    const exchange = this.#exchange
    const { settings } = this.#host
    const target = requestedBy(variables)
    const malformed = faultOf(exchange) ?? (target ? undefined : refusals.target)
    if (malformed || !target) return malformed
    if (!this.#host.accepting) return refusals.closing
    const place = placeOf(exchange.client.address)
    const full = this.#host.reserve(place)
    if (full) return full === 'maxTunnels' ? refusals.crowded : refusals.greedy
    this.#place = place

    const unauthorized = await this.#authorize(target)
    if (exchange.answered) return undefined
    if (unauthorized) {
      const { status, text, headers } = unauthorized
      this.#answer('unauthorized', status, text, headers)
      return undefined
    }
    const literal = addressOf(target)
    if (literal && !settings.allow(literal)) return refusals.prohibited
    const socket = await this.#connect(target)
    if ('cause' in socket) return socket
    try {
      // What the name led to, and what is sent to from now on: nothing was sent yet.
      if (!settings.allow(socket.remoteAddress)) return refusals.prohibited
      if (!this.#host.accepting) return refusals.closing
      if (!exchange.answered) this.#open(socket)
      return undefined
    } finally {
      // Whoever made it a tunnel has the place.
      if (this.#place !== undefined) socket.destroy()
    }
  }

  /** A callback that never settles keeps a place no longer than its client stays. */
  async #authorize({ host, port }: Target): Promise<Refusal | undefined> {
    const { authorize, authorizeTimeout } = this.#host.settings
    if (!authorize) return undefined
    const { request, client } = this.#exchange
    const { method, target, headers } = request
    const asked = { method, target, headers, secure: client.protocol === 'https' }
    const answer = authorize({ ...asked, targetHost: host, targetPort: port }, this.#exchange)
    if (!(answer instanceof Promise)) return answer
    const deadline = new Deadline(this)
    deadline.set(authorizeTimeout)
    return unlessAborted(answer, this.#leaving.signal).finally(() => deadline.clear())
  }

  async #connect({ host, port }: Target): Promise<udp.UdpConnection<Uint8Array> | TunnelRefusal> {
    const { connectTimeout, lookup } = this.#host.settings
    const { signal } = this.#leaving
    try {
      return await udp.connect({
        host,
        port,
        connectTimeout,
        signal,
        maxMessageSize: maxPayload,
        ...(lookup && { lookup }),
      })
    } catch (error) {
      if (signal.aborted) throw error
      return refusalOf(error)
    }
  }

  #open(target: udp.UdpConnection<Uint8Array>): void {
    let taken: { connection: ByteConnection; head: Uint8Array }
    try {
      taken = this.#exchange.takeOver()
    } catch {
      // The client is gone.
      return
    }
    taken.connection.write(switching, 'latin1')
    const place = this.#place as string
    this.#place = undefined
    this.#host.open({ client: taken.connection, target }, taken.head, place)
  }

  #refuse({ cause, status, text, proxyStatus }: TunnelRefusal): void {
    const { name } = this.#host.settings
    this.#answer(cause, status, text, proxyStatus ? { 'Proxy-Status': `${name}; error=${proxyStatus}` } : {})
  }

  /**
   * Says why not, and closes: what a hasty client sends behind its request are capsules, and must not be read as the next
   * one.
   */
  #answer(cause: RefusalCause, status: number, text: string | undefined, headers: Refusal['headers']): void {
    const { answered, signal } = this.#exchange
    // By `authorize`.
    if (answered) return
    // Whoever is gone was not refused; nor was he whom the HTTP server has answered, for want of patience.
    if (!signal.aborted) this.#host.counters.refusals[cause]++
    const fields = { 'Content-Type': 'text/plain; charset=utf-8', ...headers, Connection: 'close' }
    this.#exchange
      .respond(status, fields, text === undefined ? null : `${text}\n`)
      .catch((error: unknown) => {
        // A refusal that cannot be sent is a 500; a client that is gone hears neither.
        if (!signal.aborted) this.#exchange.fail(error)
      })
  }
}

/** What is wrong with a request that is for a tunnel (RFC 9298 section 3.2, RFC 9297 section 3.2). */
function faultOf({ request }: Exchange): TunnelRefusal | undefined {
  const { method, headers } = request
  if (method !== 'GET') return refusals.method
  const content = ['content-length', 'content-type', 'transfer-encoding'].some((name) => headers.has(name))
  return content ? refusals.content : undefined
}

/** The colons of an IPv6 address have to be encoded (RFC 9298 section 3). */
function requestedBy({ target_host: host, target_port: port }: Variables): Target | undefined {
  const name = host.includes(':') ? undefined : decoded(host)
  const number = decoded(port)
  return name === undefined || number === undefined ? undefined : targetOf(name, number)
}
