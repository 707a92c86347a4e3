import { listMembers } from '../codec/tokens.ts'

/** Whatever has fields that can be changed. */
interface Changeable {
  get(name: string): string | null
  set(name: string, value: string): void
}

/** Vary with that name in it (RFC 9110 section 12.5.5): once, and not at all where it says `*`. */
export function varyOn(vary: string | null, name: string): string {
  if (vary === null) return name
  const members = listMembers(vary)
  if (members.includes('*') || members.includes(name.toLowerCase())) return vary
  return members.every((member) => member === '') ? name : `${vary}, ${name}`
}

/** Adds a name to the Vary of an answer that depends on that field of the request. */
export function withVary(headers: Changeable, name = 'Accept-Encoding'): void {
  headers.set('Vary', varyOn(headers.get('vary'), name))
}
