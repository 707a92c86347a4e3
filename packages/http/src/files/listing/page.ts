import { crumbs, ownName } from './crumbs.ts'
import { iconHtml, iconOf, icons } from './icons.ts'
import type { Entry, Listing } from './listing.ts'
import type { Sorting, SortKey } from './sorting.ts'
import { style } from './style.ts'
import { countOf, countText, nameHtml, nameText, sizeText } from './text.ts'

/** A listing for people: one page, without scripts, that asks for nothing else. */
export function listingPage(listing: Listing, sorting: Sorting): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Index of ${nameText(listing.path)}</title>
<style>${style}</style>
</head>
<body>
${icons}
<main>
<header>
${crumbs(listing)}<h1>${nameHtml(ownName(listing))}</h1>
${summary(listing)}</header>
${content(listing, sorting)}</main>
<footer>
<p>${listing.entries.length > 0 ? 'Times are in UTC' : ''}</p>
<p><a rel="nofollow" href="?format=json">JSON</a></p>
</footer>
</body>
</html>
`
}

function summary({ entries, truncated }: Listing): string {
  if (entries.length === 0) return ''
  const files = entries.filter(({ kind }) => kind === 'file')
  const folders = entries.length - files.length
  const said: string[] = []
  if (folders > 0) said.push(countOf(folders, 'folder'))
  if (files.length > 0) {
    said.push(countOf(files.length, 'file'), sizeText(files.reduce((sum, { size = 0 }) => sum + size, 0)))
  }
  return `<p>${truncated ? 'More than ' : ''}${said.join(', ')}</p>\n`
}

function content(listing: Listing, sorting: Sorting): string {
  const { entries, parent, truncated } = listing
  if (entries.length === 0) return empty(parent, truncated)
  const headings = columns.map((column) => heading(column, sorting)).join('')
  const note = truncated
    ? `<p class="note">Only ${countOf(entries.length, 'entry', 'entries')} shown: this folder has more.</p>\n`
    : ''
  return `<table>
<thead><tr>${headings}</tr></thead>
<tbody>
${parent ? upwards : ''}${entries.map(row).join('')}</tbody>
</table>
${note}`
}

function empty(parent: boolean, truncated: boolean): string {
  const what = truncated ? 'Nothing of this folder can be shown.' : 'This folder is empty.'
  const link = parent ? '\n<p><a href="../">Parent folder</a></p>' : ''
  return `<div class="empty">\n${iconHtml('folder')}\n<p>${what}</p>${link}\n</div>\n`
}

const columns = [
  ['name', 'Name'],
  ['size', 'Size'],
  ['modified', 'Modified'],
] as const

/**
 * Asked for again, the order is turned around; first, names go upwards, and the largest and the newest come first. Who
 * crawls needs none of them.
 */
function heading([key, label]: (typeof columns)[number], { by, descending }: Sorting): string {
  const sorted = key === by
  const sort = sorted ? ` aria-sort="${descending ? 'descending' : 'ascending'}"` : ''
  const next = query(key, sorted ? !descending : key !== 'name')
  return `<th scope="col"${sort}><a rel="nofollow" href="?${next}">${label}</a></th>`
}

function query(by: SortKey, descending: boolean): string {
  return `sort=${by}&amp;order=${descending ? 'desc' : 'asc'}`
}

const upwards = `<tr class="upwards"><td><a href="../">${iconHtml('up')}<span>Parent folder</span></a></td><td></td><td></td></tr>\n`

/** `./` before a name, so that `javascript:` is one. */
function row(entry: Entry): string {
  const { name, kind, size, modified } = entry
  const slash = kind === 'folder' ? '/' : ''
  const link = `<a href="./${encodeURIComponent(name)}${slash}">${iconHtml(iconOf(entry))}<span>${nameHtml(name)}${slash}</span></a>`
  const iso = modified.toISOString()
  const date = `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)}</time>`
  return `<tr><td>${link}</td>${sizeCell(size)}<td>${date}</td></tr>\n`
}

function sizeCell(size: number | undefined): string {
  if (size === undefined) return '<td></td>'
  return size < 1000
    ? `<td>${sizeText(size)}</td>`
    : `<td title="${countText(size)} bytes">${sizeText(size)}</td>`
}
