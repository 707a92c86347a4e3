import type { EndCause, RefusalCause } from '@fairlead/ws-bridge'

import { formatSize } from '../size.ts'

/** A client was led to its target. Both are addresses. */
export interface Opened {
  readonly client: string
  readonly target: string
}

/** A connection through the bridge is over. */
export interface Ended extends Opened {
  readonly time: Date
  readonly cause: EndCause
  /** The cause in words. */
  readonly why: string
  /** Bytes from the client to the target, and from there. */
  readonly there: number
  readonly back: number
  /** Milliseconds. */
  readonly duration: number
}

/** A client was led nowhere. */
export interface Refused {
  readonly time: Date
  readonly client: string
  readonly cause: RefusalCause
  /** The cause in words. */
  readonly why: string
}

/**
 * Calm, for those who watch it: the time of day, who, where to if it was `chosen`, how much, how long, and why it is over.
 */
export function endedLine(ended: Ended, chosen: boolean): string {
  const { time, client, target, there, back, duration, why } = ended
  const sizes = `${formatSize(there)} there, ${formatSize(back)} back`
  return [clock(time), client, ...(chosen ? [target] : []), sizes, lasted(duration), why].join('  ')
}

export function refusedLine({ time, client, why }: Refused): string {
  return [clock(time), client, `refused: ${why}`].join('  ')
}

function clock(time: Date): string {
  return time.toTimeString().slice(0, 8)
}

/** `0.4 s`, `12 s`, `3 min`, `5.2 h`. */
export function lasted(duration: number): string {
  const seconds = duration / 1_000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 99.5) return `${Math.round(seconds)} s`
  const minutes = seconds / 60
  return minutes < 99.5 ? `${Math.round(minutes)} min` : `${(minutes / 60).toFixed(1)} h`
}
