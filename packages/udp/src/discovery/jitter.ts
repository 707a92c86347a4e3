/** Where chances come from: from 0 up to, but not including, 1. Tests bring their own. */
export type Random = () => number

/**
 * Milliseconds to wait before answering, or before saying what others may say at the same moment (RFC 6762
 * sections 5.2 and 6): 20 to 120.
 */
export function delay(random: Random): number {
  return 20 + random() * 100
}

/** A period less up to a quarter of it, so that those who began together drift apart. */
export function jittered(period: number, random: Random): number {
  return period * (1 - random() / 4)
}
