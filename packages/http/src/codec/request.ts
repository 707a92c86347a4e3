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
import { isToken, listMembers } from './tokens.ts'

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
  /** The client expects something else, which nobody here can do (RFC 9110 section 10.1.1); never for HTTP/1.0. */
  readonly expectsOther: boolean
}

interface RequestLine extends Target {
  readonly method: string
  readonly target: string
  readonly minor: 0 | 1
}

/** What the field lines say of a request with this method and version. */
interface RequestFacts extends Pick<
  RequestHead,
  'fields' | 'framing' | 'keepAlive' | 'upgrade' | 'expectContinue' | 'expectsOther'
> {
  readonly host: string
}

/** Room in a request line for the method, the version and two spaces beside the target. */
const BESIDE_TARGET = 64

/** Reads the heads of requests (RFC 9112 section 3). */
export class RequestReader implements HeadReader<RequestHead> {
  readonly tooLong = 'TARGET_TOO_LONG'
  readonly malformed = 'REQUEST_LINE'
  readonly repeats = true
  readonly outstanding = false
  readonly maxBytes: number
  readonly emptyLines: number
  readonly #targetBytes: number
  /** Of the request that began last, once its request line was read. */
  method: string | undefined
  /** As it came, and what it says: most clients ask for the same thing, or of the same host, again and again. */
  #text = ''
  #line: RequestLine = { method: '', target: '', form: 'origin', authority: undefined, minor: 1 }
  #raw: readonly string[] | undefined
  #facts!: RequestFacts
  /** What line and fields make together. */
  #head: RequestHead | undefined
  /** The Host that was found valid last. */
  #host = ''

  constructor(limits: CodecLimits) {
    this.maxBytes = limits.targetBytes + BESIDE_TARGET
    this.emptyLines = limits.emptyLines
    this.#targetBytes = limits.targetBytes
  }

  begin(): void {
    this.method = undefined
  }

  read(line: string): void {
    if (line === this.#text) {
      this.method = this.#line.method
      return
    }
    const first = line.indexOf(' ')
    const last = line.lastIndexOf(' ')
    if (first === last) throw new CodecError('REQUEST_LINE', 'the request line has not three parts')
    // The version first: who speaks HTTP/2 at us (PRI * HTTP/2.0) is to hear so.
    const minor = parseVersion(line.slice(last + 1), 'REQUEST_LINE')
    const method = line.slice(0, first)
    const target = line.slice(first + 1, last)
    if (!isToken(method)) throw new CodecError('REQUEST_LINE', 'the method is not a token')
    this.method = method
    if (target.length > this.#targetBytes)
      throw new CodecError('TARGET_TOO_LONG', 'the target exceeds targetBytes')
    const { form, authority } = parseTarget(method, target)
    // What was found of the fields depends on these two.
    if (this.#line.minor !== minor || this.#line.method !== method) this.#raw = undefined
    this.#line = { method, target, form, authority, minor }
    this.#text = line
    this.#head = undefined
  }

  head(raw: readonly string[]): RequestHead {
    if (raw !== this.#raw) {
      this.#facts = this.#examine(raw)
      this.#raw = raw
      this.#head = undefined
    }
    return (this.#head ??= this.#compose())
  }

  #compose(): RequestHead {
    const { method, target, form, authority, minor } = this.#line
    const { host, fields, framing, keepAlive, upgrade, expectContinue, expectsOther } = this.#facts
    return Object.freeze({
      method,
      target,
      form,
      authority: authority ?? host,
      minor,
      fields,
      framing,
      keepAlive,
      upgrade,
      expectContinue,
      expectsOther,
    })
  }

  #examine(raw: readonly string[]): RequestFacts {
    const { method, minor } = this.#line
    const facts = factsOf(raw)
    if (facts.hosts !== 1 || facts.host !== this.#host) {
      checkHost(facts, minor)
      this.#host = facts.host ?? ''
    }
    const framing = framingOf(facts, minor)
    // CONNECT has no content; a body that one reader sees and the next takes for tunnelled bytes is an attack.
    if (method === 'CONNECT' && framing !== 'none' && framing !== 0) {
      throw new CodecError('AMBIGUOUS_FRAMING', 'CONNECT has no body, and so no length')
    }
    const hasBody = framing !== 'none' && framing !== 0
    const expect = minor === 1 ? facts.expect : undefined
    const continues = expect !== undefined && expectsContinue(expect)
    return {
      host: facts.host ?? '',
      fields: new Fields(raw),
      framing,
      keepAlive: keepsAlive(facts, minor),
      upgrade: upgradesTo(facts, minor),
      expectContinue: hasBody && continues,
      expectsOther: expect !== undefined && !continues,
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
  const parsed = parseHost(facts.host)
  if (parsed === undefined) throw new CodecError('HOST', 'Host is not a host')
  // An empty Host stands for no authority at all; a port without a host is an invalid one (RFC 9110 section 4.2.1).
  if (parsed.host === '' && parsed.port !== undefined) throw new CodecError('HOST', 'Host has a port only')
}

/**
 * A list (RFC 9110 section 10.1.1), whose empty members count for nothing (section 5.6.1.2); with any other
 * expectation in it, what the client waits for is not known.
 */
function expectsContinue(expect: string): boolean {
  const members = listMembers(expect).filter((member) => member !== '')
  return members.length > 0 && members.every((member) => member === '100-continue')
}
