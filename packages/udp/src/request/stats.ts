import type { SocketError } from '@fairlead/core'

/**
 * What a {@link RequestSocket} counted since it was made. What was asked adds up:
 * `requests = answers + failures + timeouts + aborted + pending`; and so does what was heard:
 * `received = executed + repeated + inProgress + refused`.
 */
export interface RequestStats {
  /** Requests that were sent for the first time. */
  readonly requests: number
  /** Requests sent again. */
  readonly retries: number
  /** Requests that were answered. */
  readonly answers: number
  /** Requests that the other side failed to answer, and said so. */
  readonly failures: number
  /** Requests that were given up. */
  readonly timeouts: number
  /** Requests that a signal or the socket's end cut short. */
  readonly aborted: number
  /** Requests that wait for their answer now. */
  readonly pending: number
  /** Answers and failures that no request waits for: the second of two, or one that came too late. */
  readonly duplicates: number
  /** Answers and failures to a request of ours that came from somebody else. */
  readonly filtered: number

  /** Requests that came, repeated ones included. */
  readonly received: number
  /** Times that `answer` was called. */
  readonly executed: number
  /** Of those, the ones that threw, rejected, took too long, or gave what cannot be sent. */
  readonly failed: number
  /** Requests that came again and were answered from memory. */
  readonly repeated: number
  /** Requests that came again while `answer` was still at work on them: ignored. */
  readonly inProgress: number
  /** Requests dropped because `maxConcurrent` others are at work, or because nobody answers here. */
  readonly refused: number
  /** Answers held back, and a failure sent instead, because the request was too small for them. */
  readonly withheld: number
  /** Calls of `answer` that are at work now; those that took too long are not counted any more. */
  readonly running: number
  /** Answers in memory, failures included. */
  readonly remembered: number
  /** Bytes of these, as the limit `memory.bytes` counts them. */
  readonly rememberedBytes: number
  /** Answers that had to be forgotten before their time: such a request might be executed again. */
  readonly forgotten: number

  /** Datagrams that begin like ours and are broken: dropped. */
  readonly malformed: number
  /** Datagrams of another protocol or version: given to `onDatagram`, or dropped. */
  readonly stray: number
  /** The last trouble, told or not. */
  readonly lastError: SocketError | undefined
}

/** What is looked up when somebody asks; the rest is counted as it happens. */
type Gauges = Pick<RequestStats, 'pending' | 'running' | 'remembered' | 'rememberedBytes'>

/** The counters of one socket, shared by its two sides. */
export class RequestCounters implements Omit<RequestStats, keyof Gauges> {
  requests = 0
  retries = 0
  answers = 0
  failures = 0
  timeouts = 0
  aborted = 0
  duplicates = 0
  filtered = 0
  received = 0
  executed = 0
  failed = 0
  repeated = 0
  inProgress = 0
  refused = 0
  withheld = 0
  forgotten = 0
  malformed = 0
  stray = 0
  lastError: SocketError | undefined

  snapshot(gauges: Gauges): RequestStats {
    return Object.freeze(Object.assign({}, this, gauges))
  }
}
