/** Characters of a text that an error message repeats. */
const most = 100

/**
 * Text from outside, as an error message may repeat it: short, in one line of plain ASCII, and without what
 * may be secret: credentials, and all that follows a `?` or `#`.
 */
export function quote(text: unknown): string {
  if (typeof text !== 'string') return `a value of type ${text === null ? 'null' : typeof text}`
  // Up to the last @: a password may hold others, and slashes, too.
  const shown = text.replace(/[?#].*$/s, '?...').replace(/^[^]*@/, '...@')
  const short = shown.length > most ? `${shown.slice(0, most)}...` : shown
  return JSON.stringify(short).replace(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
