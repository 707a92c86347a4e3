import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

/** What is known of a request that came. */
export interface Request<From> {
  readonly id: string
  readonly from: From
  /** Bytes of its datagram, padding included. */
  readonly size: number
}

/** A request that `answer` is at work on, and the time it has. */
export class Execution<From> implements DeadlineOwner {
  readonly key: string
  readonly request: Request<From>
  readonly #deadline = new Deadline(this)
  readonly #hung: (execution: Execution<From>) => void

  constructor(
    key: string,
    request: Request<From>,
    timeout: number,
    hung: (execution: Execution<From>) => void,
  ) {
    this.key = key
    this.request = request
    this.#hung = hung
    this.#deadline.set(timeout)
  }

  /** It is over, one way or another. */
  end(): void {
    this.#deadline.clear()
  }

  onDeadline(): void {
    this.#hung(this)
  }
}
