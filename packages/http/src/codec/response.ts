import { keepsAlive, upgradesTo } from './cycle.ts'
import { CodecError } from './errors.ts'
import { factsOf } from './facts.ts'
import { Fields } from './fields.ts'
import { framingOf } from './framing.ts'
import type { Head, HeadReader, Turn } from './head.ts'
import { parseVersion } from './head.ts'
import type { CodecLimits } from './limits.ts'

export interface ResponseHead extends Head {
  /** 100 to 999. Below 200, but for 101, it is interim: it has neither body nor end, and the final one follows. */
  readonly status: number
  /** As sent; often empty. */
  readonly reason: string
  /** It granted a CONNECT: the connection is a tunnel from here on. */
  readonly tunnel: boolean
}

interface StatusLine {
  readonly minor: 0 | 1
  readonly status: number
  readonly reason: string
}

/** status-code SP [ reason-phrase ]; a server must send that second space (RFC 9112 section 4). */
const STATUS = /^([1-9][0-9]{2}) (.*)$/

/** Reads the heads of responses (RFC 9112 section 4), each against the method of the request it answers. */
export class ResponseReader implements HeadReader<ResponseHead> {
  readonly tooLong = 'HEAD_TOO_LARGE'
  readonly malformed = 'STATUS_LINE'
  readonly emptyLines = 0
  readonly repeats = false
  readonly maxBytes: number
  readonly #maxInterim: number
  readonly #methods: string[] = []
  #interim = 0
  #line!: StatusLine

  constructor(limits: CodecLimits) {
    this.maxBytes = limits.headBytes
    this.#maxInterim = limits.interimResponses
  }

  /** A request with this method was sent; responses come in the order of their requests. */
  expect(method: string): void {
    this.#methods.push(method)
  }

  get outstanding(): boolean {
    return this.#methods.length > 0
  }

  begin(): void {
    if (!this.outstanding) throw new CodecError('UNEXPECTED', 'bytes came that answer no request')
  }

  read(line: string): void {
    const space = line.indexOf(' ')
    const minor = parseVersion(space < 0 ? line : line.slice(0, space), 'STATUS_LINE')
    const match = STATUS.exec(line.slice(space + 1))
    if (space < 0 || match === null) throw new CodecError('STATUS_LINE', 'the status line is malformed')
    this.#line = { minor, status: Number(match[1]), reason: match[2]! }
  }

  head(raw: readonly string[]): ResponseHead {
    const { minor, status, reason } = this.#line
    const facts = factsOf(raw)
    const method = this.#methods[0]!
    const framing = framingOf(facts, minor, { status, method })
    if (status >= 200 || status === 101) {
      this.#methods.shift()
      this.#interim = 0
    } else if (++this.#interim > this.#maxInterim) {
      throw new CodecError('INTERIM_FLOOD', 'more responses than interimResponses come before the final one')
    }
    return {
      minor,
      status,
      reason,
      fields: new Fields(raw),
      framing,
      keepAlive: framing !== 'until-close' && keepsAlive(facts, minor),
      upgrade: upgradesTo(facts, minor),
      tunnel: method === 'CONNECT' && status >= 200 && status < 300,
    }
  }

  turn(head: ResponseHead): Turn {
    if (head.status === 101 || head.tunnel) return 'switch'
    return head.status < 200 ? 'interim' : 'head'
  }
}
