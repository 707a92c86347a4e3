import { isBlank } from '../codec/tokens.ts'

/** The weak comparison needs the same opaque part, the strong one two strong tags as well (RFC 9110 section 8.8.3.2). */
export type Comparison = 'strong' | 'weak'

const COMMA = 0x2c
const QUOTE = 0x22

/** RFC 9110 section 8.8.3. */
const entityTag = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/y

/** Whether two entity-tags are of the same. */
export function isSameTag(one: string, other: string, comparison: Comparison): boolean {
  if (comparison === 'strong') return one === other && one.charCodeAt(0) === QUOTE
  return opaque(one) === opaque(other)
}

/**
 * Whether a list of entity-tags holds this one; undefined where it is no such list (RFC 9110 section 5.6.1.2). Read to
 * its end, so that what is broken behind a match is broken as well.
 */
export function listsTag(list: string, tag: string | undefined, comparison: Comparison): boolean | undefined {
  let found = false
  let expected = true
  for (let at = 0; at < list.length;) {
    const code = list.charCodeAt(at)
    if (code === COMMA) expected = true
    if (code === COMMA || isBlank(code)) {
      at++
      continue
    }
    entityTag.lastIndex = at
    const [member] = entityTag.exec(list) ?? []
    if (member === undefined || !expected) return undefined
    found ||= tag !== undefined && isSameTag(member, tag, comparison)
    expected = false
    at += member.length
  }
  return found
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}
