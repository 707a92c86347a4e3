import { checkOptions, checkPositive, checkRate, type Rate } from '@fairlead/core/transport'

import { type CompressionOptions, type CompressionSettings, compressionSettings } from './compression.ts'
import type { MessageKind } from './messages.ts'

/** When the peer is asked for a sign of life, in milliseconds. */
export interface HeartbeatOptions {
  /** Between two pings. Default 30,000. */
  interval?: number
  /** Without an answer, or anything else that moves, for so long the connection is over. Default 30,000. */
  timeout?: number
}

/** What a WebSocket carries, and what its peer may do. */
export interface ConnectionOptions<K extends MessageKind = MessageKind> {
  /** Which messages it carries. Default `'text'`. */
  messages?: K
  /** Bytes of the largest message, decompressed, in both directions; 1009 beyond. Default 1 MiB. */
  maxPayload?: number
  /** Fragments of one message; 1008 beyond. Default 16,384. */
  maxFragments?: number
  /**
   * Pieces of one message that came by themselves and are held in memory; 1008 beyond. Default 32,768: what `ws` needs to join
   * them grows with the square of their number, and a quarter of a million, its own limit, stops the process for a minute.
   */
  maxBufferedChunks?: number
  /**
   * Bytes that may wait for a peer that does not read; beyond, it is cut, and sees 1006: a Close frame would have to wait
   * behind them. Default 16 MiB.
   */
  maxBuffered?: number
  /** Messages that may come; 1008 beyond. Default: as many as there are. */
  messageRate?: Rate
  /** Pings that may come, and pongs that nobody asked for; 1008 beyond. Default 50 a second. */
  pingRate?: Rate
  /** Pings of ours. A peer that does not answer is given up: `{ kind: 'timeout', phase: 'idle' }`. Default: every 30 s. */
  heartbeat?: boolean | HeartbeatOptions
  /** Whether messages may be compressed, and how. Default false: it costs memory, and time. */
  compression?: boolean | CompressionOptions
}

/** The options as a connection works with them. */
export interface ConnectionSettings {
  readonly kind: MessageKind
  readonly maxPayload: number
  readonly maxFragments: number
  readonly maxBufferedChunks: number
  readonly maxBuffered: number
  readonly messageRate: Rate | undefined
  readonly pingRate: Rate
  readonly heartbeat: Required<HeartbeatOptions> | undefined
  readonly compression: CompressionSettings | undefined
}

const defaultPingRate: Rate = { perSecond: 50, burst: 50 }

/** The options with their defaults. @throws TypeError or RangeError that names the option. */
export function connectionSettings(options: ConnectionOptions): ConnectionSettings {
  const { messages = 'text', messageRate, pingRate = defaultPingRate } = options
  if (messages !== 'text' && messages !== 'binary' && messages !== 'both') {
    throw new TypeError(`Invalid option messages: ${String(messages)} is not 'text', 'binary' or 'both'`)
  }
  const sizes = {
    maxPayload: 1024 * 1024,
    maxFragments: 16 * 1024,
    maxBufferedChunks: 32 * 1024,
    maxBuffered: 16 * 1024 * 1024,
  }
  for (const name of Object.keys(sizes) as (keyof typeof sizes)[]) {
    checkPositive(name, options[name])
    sizes[name] = options[name] ?? sizes[name]
  }
  checkRate('messageRate', messageRate)
  checkRate('pingRate', pingRate)
  return {
    kind: messages,
    ...sizes,
    messageRate,
    pingRate,
    heartbeat: heartbeatSettings(options.heartbeat),
    compression: compressionSettings(options.compression),
  }
}

function heartbeatSettings(
  heartbeat: boolean | HeartbeatOptions | undefined,
): Required<HeartbeatOptions> | undefined {
  if (heartbeat === false) return undefined
  const options = heartbeat === true || heartbeat === undefined ? {} : heartbeat
  checkOptions('heartbeat', options)
  const { interval = 30_000, timeout = 30_000 } = options
  checkPositive('heartbeat.interval', interval)
  checkPositive('heartbeat.timeout', timeout)
  return { interval, timeout }
}
