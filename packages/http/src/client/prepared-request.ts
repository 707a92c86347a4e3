import { encodeRequestHead } from '../codec/index.ts'
import { equalsFolded, listMembers } from '../codec/tokens.ts'
import { acceptedCodings } from '../coding/decoder.ts'
import type { OutgoingBody } from './body/outgoing-body.ts'
import { absoluteTargetOf } from './origin.ts'
import type { Target } from './target.ts'

/** Methods that change nothing on the server (RFC 9110 section 9.2.1). */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** Methods that may be sent twice without harm (RFC 9110 section 9.2.2). */
const idempotent: ReadonlySet<string> = new Set([...safe, 'PUT', 'DELETE'])

/** Methods of which an empty body is told (RFC 9110 section 8.6). */
const enclosing: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** What a request needs beside what its caller said. */
export interface Preparation {
  readonly method: string
  readonly target: Target
  /** Name and value in turn. */
  readonly fields: readonly string[]
  readonly body: OutgoingBody | null
  /** Whether trailers follow the body. */
  readonly trailers: boolean
  /** Milliseconds to wait for 100 (Continue); 0 for not at all. */
  readonly expect: number
  readonly decode: boolean
  /** The protocol to go on with. */
  readonly upgrade: string | undefined
  /** Of a plain request that goes through a proxy: what the proxy wants to know. */
  readonly proxy: { readonly authorization: string | undefined } | undefined
}

/** A request ready to be written: valid, its head encoded, how its body is framed decided. */
export interface PreparedRequest {
  readonly method: string
  readonly target: Target
  readonly head: string
  readonly body: OutgoingBody | null
  readonly framing: 'none' | 'chunked' | number
  /** Whether it may share a connection with others that wait for their answers. */
  readonly safe: boolean
  /** Whether it may be sent twice. */
  readonly idempotent: boolean
  readonly expect: number
  readonly upgrade: string | undefined
  /** It says that it is the last on its connection. */
  readonly close: boolean
}

/** @throws TypeError for what cannot be sent, before anything is. */
export function prepare(preparation: Preparation): PreparedRequest {
  const { method, target, fields, body, upgrade, proxy } = preparation
  if (method === 'CONNECT') {
    throw new TypeError('Invalid option method: tunnels are the affair of the option proxy')
  }
  if (method === 'TRACE' && body !== null) {
    throw new TypeError('Invalid option body: TRACE has none (RFC 9110 section 9.3.8)')
  }
  if (body === null && preparation.trailers) {
    throw new TypeError('Invalid option trailers: there is no body that they could follow')
  }
  if (body !== null && upgrade !== undefined) {
    throw new TypeError('Invalid option body: another protocol is asked for without one')
  }
  const given = new Given(fields)
  const expect = given.expects ? preparation.expect || defaultExpect : preparation.expect
  if (given.upgrade) {
    throw new TypeError('Invalid option headers: another protocol is asked for by upgrade()')
  }
  // Anywhere else it would be told to the server; and a proxy is told once who asks (RFC 9110 section 11.7.2).
  if (given.proxyAuthorization && (proxy === undefined || proxy.authorization !== undefined)) {
    throw new TypeError(
      'Invalid option headers: Proxy-Authorization is made of the user information of the option proxy',
    )
  }
  const framing = framingOf(preparation, given)
  const raw = complete(preparation, given, framing, expect)
  const head = encodeRequestHead(method, proxy ? absoluteTargetOf(target.url) : target.path, raw, { framing })
  return {
    method,
    target,
    head,
    body,
    framing,
    safe: safe.has(method) && body === null && upgrade === undefined,
    idempotent: upgrade === undefined && (idempotent.has(method) || given.key),
    expect: body === null ? 0 : expect,
    upgrade,
    close: given.close,
  }
}

/** Milliseconds that a server which knows of no expectations is waited for (RFC 9110 section 10.1.1). */
export const defaultExpect = 1_000

/** What the caller's own fields say: found in one walk. */
class Given {
  host = false
  agent = false
  accept = false
  type = false
  authorization = false
  range = false
  upgrade = false
  proxyAuthorization = false
  expects = false
  close = false
  /** A key by which the server knows a request that comes twice. */
  key = false
  length: string | undefined

  constructor(fields: readonly string[]) {
    for (let at = 0; at < fields.length; at += 2) this.#see(fields[at]!, fields[at + 1]!)
  }

  #see(name: string, value: string): void {
    switch (name.length) {
      case 4:
        this.host ||= equalsFolded(name, 'host')
        break
      case 5:
        this.range ||= equalsFolded(name, 'range')
        break
      case 6:
        this.expects ||= equalsFolded(name, 'expect') && equalsFolded(value, '100-continue')
        break
      case 7:
        this.upgrade ||= equalsFolded(name, 'upgrade')
        break
      case 10:
        this.agent ||= equalsFolded(name, 'user-agent')
        this.close ||= equalsFolded(name, 'connection') && listMembers(value).includes('close')
        break
      case 12:
        this.type ||= equalsFolded(name, 'content-type')
        break
      case 13:
        this.authorization ||= equalsFolded(name, 'authorization')
        break
      case 14:
        if (equalsFolded(name, 'content-length')) this.length = value
        break
      case 15:
        this.accept ||= equalsFolded(name, 'accept-encoding')
        this.key ||= equalsFolded(name, 'idempotency-key')
        break
      case 19:
        this.proxyAuthorization ||= equalsFolded(name, 'proxy-authorization')
        break
      default:
    }
  }
}

/** The fields as they are sent: Host first (RFC 9110 section 7.2), what the caller said, what is missing. */
function complete(
  { target, fields, body, decode, upgrade, proxy }: Preparation,
  given: Given,
  framing: PreparedRequest['framing'],
  expect: number,
): readonly string[] {
  const raw = given.host ? [...fields] : ['Host', target.origin.authority, ...fields]
  if (!given.agent) raw.push('User-Agent', 'fairlead')
  // Of a part of an encoded file nobody could decode anything.
  if (decode && !given.accept && !given.range && upgrade === undefined)
    raw.push('Accept-Encoding', acceptedCodings)
  if (target.authorization !== undefined && !given.authorization)
    raw.push('Authorization', target.authorization)
  if (body?.type !== undefined && !given.type) raw.push('Content-Type', body.type)
  if (expect > 0 && !given.expects && framing !== 'none' && framing !== 0) raw.push('Expect', '100-continue')
  if (upgrade !== undefined) raw.push('Connection', 'Upgrade', 'Upgrade', upgrade)
  if (proxy?.authorization !== undefined) raw.push('Proxy-Authorization', proxy.authorization)
  return raw
}

function framingOf({ method, body, trailers }: Preparation, given: Given): PreparedRequest['framing'] {
  // Of a method that has no content as a rule, a caller may say so all the same.
  if (body === null) return enclosing.has(method) || given.length === '0' ? 0 : 'none'
  if (trailers) return 'chunked'
  if (body.length !== undefined) return body.length
  const { length } = given
  if (length === undefined) return 'chunked'
  // What a stream of unknown length is said to have: the writer holds it to that.
  if (/^\d{1,15}$/.test(length)) return Number(length)
  throw new TypeError('Invalid option headers: Content-Length is not a number')
}
