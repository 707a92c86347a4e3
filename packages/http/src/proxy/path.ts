import type { TargetForm } from '../codec/index.ts'

/** Segments that are `.` or `..`, plain or escaped, and what URLs read as a slash: no two readers agree on them. */
const ambiguous = /\\|\/(?:\.|%2e){1,2}(?:\/|$)/i

const absolute = /^[A-Za-z][\w+.-]*:\/\/[^/?]*/

/**
 * What is asked for, in origin form or as `*`: byte for byte as it came, with all its escapes, doubled slashes and
 * empty queries. Only a path with dot segments or backslashes is written as the URL standard resolves it, which is how
 * `request.url` tells of it: so a rule that stands before the proxy, and the server behind it, see the same path.
 */
export function targetOf(method: string, form: TargetForm, target: string): string {
  if (target === '*') return target
  let path = target
  if (form === 'absolute') {
    path = target.replace(absolute, '')
    // RFC 9112 section 3.2.4.
    if (path === '' && method === 'OPTIONS') return '*'
    if (!path.startsWith('/')) path = `/${path}`
  }
  const query = path.indexOf('?')
  const end = query < 0 ? path.length : query
  if (!ambiguous.test(query < 0 ? path : path.slice(0, end))) return path
  return new URL(`http://localhost${path.slice(0, end)}`).pathname + path.slice(end)
}

/** A path that others are put behind: no slash at its end. */
export function basePath(path: string): string {
  return path.replace(/\/+$/, '')
}

/** `target` without `prefix` before it; undefined for what lies elsewhere. */
export function withoutPrefix(target: string, prefix: string): string | undefined {
  if (prefix === '' || target === '*') return target
  if (!target.startsWith(prefix)) return undefined
  const rest = target.slice(prefix.length)
  if (rest.startsWith('/')) return rest
  return rest === '' || rest.startsWith('?') ? `/${rest}` : undefined
}
