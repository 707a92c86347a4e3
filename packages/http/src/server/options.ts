import type { ByteConnection, Transport } from '@fairlead/core'
import type { ListenOptions } from '@fairlead/tcp'

import { type CodecLimits, defaultLimits } from '../codec/index.ts'
import { withDefaults } from '../codec/limits.ts'
import type { TrustOptions } from './client-facts.ts'
import type { Exchange } from './exchange.ts'

/** Where to serve HTTP, and within which limits. All times are milliseconds; `Infinity` lifts one. */
export interface HttpListenOptions extends ListenOptions, TrustOptions {
  /** Serves on this transport instead of TCP; host, port and the like are its own affair then. */
  transport?: Pick<Transport<ByteConnection, Uint8Array>, 'listen'>
  /** Bytes of the largest request body; 413 beyond. Default 16 MiB. */
  maxBodySize?: number
  /** The other sizes and counts that a peer could grow; see {@link CodecLimits} for each default. */
  limits?: Partial<Omit<CodecLimits, 'bodyBytes' | 'interimResponses'>>
  /** From the first byte of a head, or the connection's beginning, to the head's end; 408 beyond. Default 15,000. */
  headersTimeout?: number
  /** For each further KiB of a request body that somebody waits for, or its end; 408 beyond. Default 30,000. */
  bodyTimeout?: number
  /** For the peer to take what stands above the high-water mark, at most 64 KiB at a time. Default 60,000. */
  writeTimeout?: number
  /** From the head to the end of the answer; 503 beyond, or the answer is cut. Default `Infinity`. */
  handlerTimeout?: number
  /**
   * Between an answer and the next request on the connection. Default 72,000: longer than the 60 seconds of a load
   * balancer, which is to be the one that closes, since whoever closes may miss a request that is on its way.
   */
  keepAliveTimeout?: number
  /**
   * What an idle connection has for one more request, answered with `Connection: close`, once the listener shuts
   * down. Default 250. `Infinity`: until the grace of the shutdown ends, for clients that do not ask a second time.
   */
  idleGrace?: number
  /** How long a closing connection listens for what the peer still sends, so that it sees the answer. Default 2,000. */
  lingerGrace?: number
  /**
   * Told what the application threw or rejected with, while somebody waited for its answer: the client gets 500,
   * or sees its answer cut, and never the text. And what a promise given to `waitUntil` rejected with. Not told are
   * errors that only follow from `exchange.signal`, and a body that was larger than its reader takes, which is a 413.
   */
  onError?: (error: unknown, exchange: Exchange) => void
}

/** The times of {@link HttpListenOptions}, each with its default. */
export interface HttpTimes {
  readonly headersTimeout: number
  readonly bodyTimeout: number
  readonly writeTimeout: number
  readonly handlerTimeout: number
  readonly keepAliveTimeout: number
  readonly idleGrace: number
  readonly lingerGrace: number
}

const defaultTimes: HttpTimes = {
  headersTimeout: 15_000,
  bodyTimeout: 30_000,
  writeTimeout: 60_000,
  handlerTimeout: Infinity,
  keepAliveTimeout: 72_000,
  idleGrace: 250,
  lingerGrace: 2_000,
}

/** @throws RangeError that names the option. */
export function timesOf(options: HttpListenOptions): HttpTimes {
  const times: Record<keyof HttpTimes, number> = { ...defaultTimes }
  for (const name of Object.keys(defaultTimes) as (keyof HttpTimes)[]) {
    const value = options[name] ?? defaultTimes[name]
    if (value !== Infinity && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new RangeError(`Invalid option ${name}: ${String(value)} is not a whole number of milliseconds`)
    }
    times[name] = value
  }
  return times
}

/** The codec's limits out of the options. @throws TypeError or RangeError that names the option. */
export function limitsOf({ maxBodySize, limits = {} }: HttpListenOptions): CodecLimits {
  for (const name of Object.keys(limits)) {
    if (!known.has(name)) throw new TypeError(`Invalid option limits.${name}: there is no such limit`)
  }
  const all = { ...defaultLimits, ...limits }
  if (maxBodySize !== undefined) all.bodyBytes = maxBodySize
  for (const [name, value] of Object.entries(all)) {
    if (value === Infinity || (Number.isSafeInteger(value) && value >= 0)) continue
    const option = name === 'bodyBytes' ? 'maxBodySize' : `limits.${name}`
    throw new RangeError(`Invalid option ${option}: ${String(value)} is not a whole number from 0 up`)
  }
  return withDefaults(all)
}

/** The first has an option of its own, and a server reads no responses. */
const others = new Set(['bodyBytes', 'interimResponses'])
const known = new Set(Object.keys(defaultLimits).filter((name) => !others.has(name)))
