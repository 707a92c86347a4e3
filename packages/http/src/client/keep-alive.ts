import type { Fields } from '../codec/index.ts'

/** Milliseconds by which this side is earlier than the server said it would close, but for half of short times. */
const margin = 1_000

/** How long the server said it would wait (`Keep-Alive: timeout=5`, RFC 2068 section 19.7.1), less a margin. */
export function promiseOf(fields: Fields): number {
  const value = fields.get('keep-alive')
  const seconds = value === undefined ? undefined : /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})/i.exec(value)?.[1]
  if (seconds === undefined) return Infinity
  const time = Number(seconds) * 1_000
  return Math.max(time - margin, time / 2)
}
