import type { Fields, RequestHead, TargetForm } from '../codec/index.ts'
import { IncomingBody } from './body.ts'

/** A request as it arrived: its head whole, its body as it comes. */
export class IncomingRequest {
  readonly #head: RequestHead
  #body: IncomingBody | undefined

  /** Without a `body`, none comes with it. */
  constructor(head: RequestHead, body?: IncomingBody) {
    this.#head = head
    this.#body = body
  }

  /** Whether a body comes with it, be it of a length that is not known yet. */
  get hasBody(): boolean {
    return this.#head.framing !== 'none' && this.#head.framing !== 0
  }

  /** Can be read until the request is answered. Made when asked for where none comes. */
  get body(): IncomingBody {
    return (this.#body ??= IncomingBody.empty())
  }

  get method(): string {
    return this.#head.method
  }

  /** As sent: usually path and query. */
  get target(): string {
    return this.#head.target
  }

  get form(): TargetForm {
    return this.#head.form
  }

  /** Host and port that the client asked for, as sent (RFC 9112 section 3.3). */
  get authority(): string {
    return this.#head.authority
  }

  /** `HTTP/1.<minor>`. */
  get minor(): 0 | 1 {
    return this.#head.minor
  }

  get headers(): Fields {
    return this.#head.fields
  }

  /** The protocols that the client offers to go on with, in lower case (RFC 9110 section 7.8). */
  get upgrade(): readonly string[] | undefined {
    return this.#head.upgrade
  }
}
