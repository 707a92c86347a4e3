import { keepsAlive, upgradesTo } from './cycle.ts'
import { CodecError } from './errors.ts'
import type { FieldFacts } from './facts.ts'
import { factsOf } from './facts.ts'
import { Fields } from './fields.ts'
import { framingOf } from './framing.ts'
import type { Head, HeadReader, Turn } from './head.ts'
import { parseVersion } from './head.ts'
import { parseHost } from './host.ts'
import type { CodecLimits } from './limits.ts'
import type { Target, TargetForm } from './target.ts'
import { parseTarget } from './target.ts'
import { isToken } from './tokens.ts'

export interface RequestHead extends Head {
  readonly method: string
  /** As sent. */
  readonly target: string
  readonly form: TargetForm
  /**
   * Host and port of the target URI, as sent: of the target itself in its absolute and authority forms, which
   * overrule Host, else of Host (RFC 9112 sections 3.2.2 and 3.3). Empty where Host is, or a 1.0 request has none.
   */
  readonly authority: string
  /** The client waits for a 100 before it sends the body that `framing` tells of; never true for HTTP/1.0. */
  readonly expectContinue: boolean
}

interface RequestLine extends Target {
  readonly method: string
  readonly target: string
  readonly minor: 0 | 1
}

/** Room in a request line for the method, the version and two spaces beside the target. */
const BESIDE_TARGET = 64

/** Reads the heads of requests (RFC 9112 section 3). */
export class RequestReader implements HeadReader<RequestHead> {
  readonly tooLong = 'TARGET_TOO_LONG'
  readonly malformed = 'REQUEST_LINE'
  readonly outstanding = false
  readonly maxBytes: number
  readonly emptyLines: number
  readonly #targetBytes: number
  #line!: RequestLine
  /** The Host that was found valid last: one connection asks one host, request after request. */
  #host = ''

  constructor(limits: CodecLimits) {
    this.maxBytes = limits.targetBytes + BESIDE_TARGET
    this.emptyLines = limits.emptyLines
    this.#targetBytes = limits.targetBytes
  }

  begin(): void {}

  read(line: string): void {
    const first = line.indexOf(' ')
    const last = line.lastIndexOf(' ')
    if (first === last) throw new CodecError('REQUEST_LINE', 'the request line has not three parts')
    // The version first: who speaks HTTP/2 at us (PRI * HTTP/2.0) is to hear so.
    const minor = parseVersion(line.slice(last + 1), 'REQUEST_LINE')
    const method = line.slice(0, first)
    const target = line.slice(first + 1, last)
    if (!isToken(method)) throw new CodecError('REQUEST_LINE', 'the method is not a token')
    if (target.length > this.#targetBytes)
      throw new CodecError('TARGET_TOO_LONG', 'the target exceeds targetBytes')
    const { form, authority } = parseTarget(method, target)
    this.#line = { method, target, form, authority, minor }
  }

  head(raw: string[]): RequestHead {
    const { method, target, form, authority, minor } = this.#line
    const facts = factsOf(raw)
    if (facts.hosts !== 1 || facts.host !== this.#host) {
      checkHost(facts, minor)
      this.#host = facts.host ?? ''
    }
    const framing = framingOf(facts, minor)
    // CONNECT has no content; a body that one reader sees and the next takes for tunnelled bytes is an attack.
    if (method === 'CONNECT' && framing !== 'none') {
      throw new CodecError('AMBIGUOUS_FRAMING', 'CONNECT has no body, and so no length')
    }
    const hasBody = framing !== 'none' && framing !== 0
    return {
      method,
      target,
      form,
      authority: authority ?? facts.host ?? '',
      minor,
      fields: new Fields(raw),
      framing,
      keepAlive: keepsAlive(facts, minor),
      upgrade: upgradesTo(facts, minor),
      expectContinue: hasBody && minor === 1 && facts.expect?.toLowerCase() === '100-continue',
    }
  }

  turn(head: RequestHead): Turn {
    return head.upgrade !== undefined || head.method === 'CONNECT' ? 'offer' : 'head'
  }
}

/** Exactly one Host, and a valid one; HTTP/1.0 may go without (RFC 9112 section 3.2). @throws CodecError HOST */
export function checkHost(facts: FieldFacts, minor: 0 | 1): void {
  if (facts.host === undefined) {
    if (minor === 1) throw new CodecError('HOST', 'Host is missing')
    return
  }
  if (facts.hosts > 1) throw new CodecError('HOST', 'Host is repeated')
  if (parseHost(facts.host) === undefined) throw new CodecError('HOST', 'Host is not a host')
}
