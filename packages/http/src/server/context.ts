import type { CodecLimits } from '../codec/index.ts'
import type { ClientFacts } from './client-facts.ts'
import type { Exchange } from './exchange.ts'
import type { HttpTimes } from './options.ts'
import type { Counters } from './stats.ts'

/** What a connection needs to know of its server. */
export interface ServerContext {
  readonly times: HttpTimes
  readonly limits: Partial<CodecLimits>
  readonly counters: Counters
  /** Whether the server has begun to close: an answer given from then on is the last of its connection. */
  readonly closing: boolean
  /** Gives an exchange to the application. */
  dispatch(exchange: Exchange): void
  /** What the application threw, for whoever wants to know. */
  tell(exchange: Exchange, error: unknown): void
  /** Who asks, as far as trusted proxies say. */
  clientOf(exchange: Exchange): ClientFacts
  /** A polite close of the server waits for it. */
  waitUntil(exchange: Exchange, promise: Promise<unknown>): void
}
