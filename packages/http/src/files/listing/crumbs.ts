import type { Listing } from './listing.ts'
import { nameHtml } from './text.ts'

/** What the folder itself is called: the topmost one by where it is served. */
export function ownName(listing: Listing): string {
  return namesIn(listing).at(-1) ?? topName(listing)
}

/** Links to the folders above, the topmost one first. */
export function crumbs(listing: Listing): string {
  const above = [topName(listing), ...namesIn(listing)].slice(0, -1)
  if (above.length === 0) return ''
  const items = above.map(
    (name, at) => `<li><a href="${'../'.repeat(above.length - at)}">${nameHtml(name)}</a></li>`,
  )
  return `<nav aria-label="Folders above"><ol>${items.join('')}</ol></nav>\n`
}

/** Below the topmost folder. */
function namesIn({ path, prefix }: Listing): string[] {
  return path
    .slice(prefix.length)
    .split('/')
    .filter((name) => name !== '')
}

function topName({ prefix }: Listing): string {
  return prefix.split('/').findLast((name) => name !== '') ?? 'Files'
}
