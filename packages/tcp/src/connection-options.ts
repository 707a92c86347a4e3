import { checkBoolean, checkPositive, checkTime } from '@fairlead/core/transport'

/** What holds for each connection, accepted or made. All times are milliseconds; `Infinity` lifts a time limit. */
export interface ConnectionOptions {
  /** Sends small writes at once, instead of waiting for more (RFC 9293 section 3.7.4). Default true. */
  noDelay?: boolean
  /** Asks a silent peer's system whether it is still there, first after so many milliseconds. Default false. */
  keepAlive?: false | number
  /** Bytes of output above which `write` answers false. Default 65,536. */
  highWaterMark?: number
  /** Bytes of output that a further write may find waiting; more destroys the connection. Default 16 MiB. */
  maxBuffered?: number
  /** How long output may wait without any of it leaving. Default 60,000. */
  writeTimeout?: number
  /** How long a reader may wait without anything coming. Default: for ever. */
  readTimeout?: number
  /** How long nothing may come and no output leave. Default: for ever. */
  idleTimeout?: number
  /** How long the whole connection may last. Default: for ever. */
  totalTimeout?: number
}

export const defaultMaxBuffered = 16 * 1024 * 1024
export const defaultWriteTimeout = 60_000

/** Refuses, by name, what a connection could not be held to. */
export function checkConnection(options: ConnectionOptions): void {
  for (const name of ['highWaterMark', 'maxBuffered'] as const) checkPositive(name, options[name])
  for (const name of ['writeTimeout', 'readTimeout', 'idleTimeout', 'totalTimeout'] as const) {
    checkTime(name, options[name])
  }
  checkBoolean('noDelay', options.noDelay)
  if (options.keepAlive !== false) checkPositive('keepAlive', options.keepAlive)
}
