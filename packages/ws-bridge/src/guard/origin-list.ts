import { liesUnder } from './host-name.ts'
import { readPattern } from './host-pattern.ts'
import { readEntries } from './list-entries.ts'
import { type Origin, readOrigin, webOrigin } from './origin.ts'

/** An origin of a list, or all whose hosts lie under one. */
interface OriginPattern extends Origin {
  readonly wildcard: boolean
}

const expected = 'an origin, such as https://example.com, http://localhost:8080 or https://*.example.com'

/**
 * Makes the matcher of listed origins: each as browsers send it, and with `*.` all whose hosts lie under one, of the
 * same scheme and port. An empty list is one, too: no page may come.
 *
 * @throws TypeError that names the option and the entry.
 */
export function originMatcher(list: readonly string[]): (origin: Origin) => boolean {
  const patterns = readEntries('origins', list, expected, readOriginPattern)
  const exact = new Set(patterns.filter(({ wildcard }) => !wildcard).map(({ text }) => text))
  const wildcards = patterns.filter(({ wildcard }) => wildcard)
  return ({ scheme, host, port, text }) => {
    if (exact.has(text)) return true
    return wildcards.some((one) => one.scheme === scheme && one.port === port && liesUnder(host, one.host))
  }
}

/** `null` is no entry, since anybody's page in a sandbox has it, nor are ws and wss, which no page is from. */
function readOriginPattern(text: string): OriginPattern | undefined {
  const [, scheme = '', rest = ''] = /^(https?|wss?):\/\/(.*)$/is.exec(text) ?? []
  if (scheme === '') {
    const origin = readOrigin(text)
    return origin && { ...origin, wildcard: false }
  }
  const kind = scheme.toLowerCase()
  const pattern = readPattern(rest)
  if (pattern === undefined || (kind !== 'http' && kind !== 'https')) return undefined
  return { ...webOrigin(kind, pattern), wildcard: pattern.wildcard }
}
