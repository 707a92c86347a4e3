import type { Listing } from './listing.ts'

/** A listing for programs. Folders have no size, and dates are those of ISO 8601. */
export function listingJson({ path, parent, truncated, entries }: Listing): string {
  const list = entries.map(({ name, kind: type, size, modified }) => ({ name, type, size, modified }))
  return `${JSON.stringify({ path, parent, truncated, entries: list })}\n`
}
