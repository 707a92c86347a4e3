/** Characters of an entry that a message repeats. */
const most = 100

/**
 * Reads each entry of a list that an option has, once: a change of the list afterwards is none of the option.
 *
 * @param expected what an entry should be, for the message.
 * @throws TypeError that names the option and the entry.
 */
export function readEntries<T>(
  option: string,
  list: readonly string[],
  expected: string,
  read: (entry: string) => T | undefined,
): T[] {
  return Array.from(list, (entry: unknown) => {
    const meant = typeof entry === 'string' ? read(entry) : undefined
    if (meant === undefined)
      throw new TypeError(`Invalid option ${option}: ${shown(entry)} is not ${expected}`)
    return meant
  })
}

/** In short, and without credentials or a query, which may be secret. */
function shown(entry: unknown): string {
  if (typeof entry !== 'string') return entry === null ? 'null' : `a value of type ${typeof entry}`
  const bare = entry.replace(/[?#].*$/s, '?...').replace(/^.*@/s, '...@')
  return JSON.stringify(bare.length > most ? `${bare.slice(0, most)}...` : bare)
}
