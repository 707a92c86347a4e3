import { checkPositive } from '../checks.ts'

/**
 * What becomes of a message for a peer that does not read, once as many wait as may:
 *
 * - `block`: `send` waits for its turn; `write`, which cannot wait, throws a {@link LimitError}, and so does a `send`
 *   when `maxWaiting` of them wait already.
 * - `drop-newest`: the new message is dropped.
 * - `drop-oldest`: those that waited longest are dropped to make room.
 * - `close`: the connection is destroyed with a {@link LimitError}.
 */
export type SendPolicy = 'block' | 'drop-newest' | 'drop-oldest' | 'close'

/** Options of {@link sendQueue}. */
export interface SendQueueOptions<M> {
  policy: SendPolicy
  /** Messages that may wait. Default 1,024. */
  maxMessages?: number
  /** Bytes of all messages that wait. Default 1,048,576. */
  maxBytes?: number
  /** Calls of `send` that may wait for a place in the queue; of use with `block` alone. Default 1,024. */
  maxWaiting?: number
  /** The bytes of a message. Default: those of its UTF-8, or of its view; anything else counts as 1. */
  sizeOf?: (message: M) => number
}

/**
 * What a send queue counted. At any time, in messages and in bytes,
 * `offered = sent + queued + dropped + lost`.
 */
export interface SendStats {
  /** Taken by `write` or `send`: they did not throw, nor is the message waiting for a place in the queue. */
  readonly offered: number
  readonly offeredBytes: number
  /** Accepted by the connection. */
  readonly sent: number
  readonly sentBytes: number
  /** In the queue now. */
  readonly queued: number
  readonly queuedBytes: number
  /** Given up by the policy, or refused by the connection when their turn came. */
  readonly dropped: number
  readonly droppedBytes: number
  /** Still in the queue when the connection closed. */
  readonly lost: number
  readonly lostBytes: number
  /** Calls of `send` that wait for a place in the queue; their messages are not offered yet. */
  readonly waiting: number
}

const policies: readonly SendPolicy[] = ['block', 'drop-newest', 'drop-oldest', 'close']
const defaultMaxMessages = 1_024
const defaultMaxBytes = 1024 * 1024
const defaultMaxWaiting = 1_024

/** The options with their defaults; refuses what makes no sense. */
export function sendQueueOptions<M>(options: SendQueueOptions<M>): Required<SendQueueOptions<M>> {
  const { policy, maxMessages = defaultMaxMessages, maxBytes = defaultMaxBytes } = options
  const { maxWaiting = defaultMaxWaiting, sizeOf = bytesOf } = options
  if (!policies.includes(policy)) {
    throw new TypeError(`Invalid option policy: ${JSON.stringify(policy)} is none of ${policies.join(', ')}`)
  }
  checkPositive('maxMessages', maxMessages)
  checkPositive('maxBytes', maxBytes)
  checkPositive('maxWaiting', maxWaiting)
  if (typeof sizeOf !== 'function') throw new TypeError('Invalid option sizeOf: is not a function')
  return { policy, maxMessages, maxBytes, maxWaiting, sizeOf }
}

/** Exact, because counters are: an upper bound of three bytes a character would not add up. */
function bytesOf(message: unknown): number {
  if (typeof message === 'string') return Buffer.byteLength(message)
  return ArrayBuffer.isView(message) ? message.byteLength : 1
}
