import type { Entry, Listing } from '@fairlead/http/files'
import { html, raw } from 'hono/html'

import { formatSize } from '../size.ts'
import { kindOf, sprite } from './kind.ts'

export interface PageOptions {
  /** What the folder is called that is served. */
  name: string
  /** Where the page's own files are, with a slash at its end. */
  assets: string
  /** Where files can be sent, in pieces; undefined where none can. */
  uploads: { readonly endpoint: string; readonly maxSize: number } | undefined
}

type Markup = ReturnType<typeof html>

/** A folder, for people. `query` says how it is sorted. */
export async function listingPage(
  listing: Listing,
  query: URLSearchParams,
  options: PageOptions,
): Promise<string> {
  const { name, assets, uploads } = options
  const names = listing.path.split('/').filter((it) => it !== '')
  const title = names.at(-1) ?? name
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#fcfcfb" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#14191b" media="(prefers-color-scheme: dark)" />
        <title>${title}</title>
        <link rel="icon" type="image/svg+xml" href="${assets}icon.svg" />
        <link rel="stylesheet" href="${assets}base.css" />
        <link rel="stylesheet" href="${assets}style.css" />
        ${uploads ? html`<script defer src="${assets}tus.min.js"></script>` : ''}
        <script type="module" src="${assets}app.js"></script>
      </head>
      <body ${uploads ? html`data-endpoint="${uploads.endpoint}" data-max-size="${uploads.maxSize}"` : ''}>
        <svg class="sprite" aria-hidden="true">${raw(sprite)}</svg>
        <header class="bar">${crumbs(name, names)} ${uploads ? addButton : ''}</header>
        <p id="announcer" class="unseen" role="status"></p>
        <main>
          ${uploads ? html`<ul id="uploads" aria-label="Uploads"></ul>` : ''}
          <div id="listing">${content(listing, query, uploads !== undefined)}</div>
        </main>
        ${uploads ? uploadParts : ''}
      </body>
    </html>`
  return String(page)
}

const addButton = html`<button type="button" id="add" class="primary" hidden>Add files</button>
  <input
    type="file"
    id="file-input"
    class="unseen"
    data-testid="file-input"
    multiple
    tabindex="-1"
    aria-label="Files to add"
  />
  <noscript>
    <form method="post" enctype="multipart/form-data">
      <input type="file" name="file" multiple required aria-label="Files to add" />
      <button class="primary">Send</button>
    </form>
  </noscript>`

const uploadParts = html`<div id="drop" data-testid="drop" hidden><p>Drop to add to this folder</p></div>
  <template id="upload-row">
    <li data-testid="upload">
      <bdi class="title"></bdi>
      <progress max="1" value="0"></progress>
      <span class="facts"></span>
      <span class="actions">
        <button type="button" class="quiet" data-action="retry">Retry</button>
        <button type="button" class="quiet" data-action="close"></button>
      </span>
    </li>
  </template>`

/** The way from the top to this folder. */
function crumbs(top: string, names: readonly string[]): Markup {
  const above = [top, ...names].slice(0, -1)
  const links = above.map(
    (name, at) =>
      html`<li>
        <a href="${'../'.repeat(above.length - at)}"><bdi>${name}</bdi></a>
      </li>`,
  )
  return html`<nav aria-label="Folders">
    <ol>
      ${links}
      <li aria-current="page">
        <h1><bdi>${names.at(-1) ?? top}</bdi></h1>
      </li>
    </ol>
  </nav>`
}

/** What changes when a file comes: the page asks for it anew. */
function content(listing: Listing, query: URLSearchParams, canUpload: boolean): Markup {
  const { entries, parent, truncated } = listing
  const hint = canUpload ? html`<span class="for-mice"> Drop files anywhere on this page.</span>` : ''
  const empty = html`<p class="empty">Nothing here yet.${hint}</p>`
  const more = html`<p class="empty">There is more here: these are ${entries.length}.</p>`
  return html`<div class="tools">
      <p class="summary" data-testid="summary">${summary(entries)}</p>
      <input type="search" id="filter" placeholder="Filter" aria-label="Filter by name" hidden />
    </div>
    ${entries.length > 0 || parent ? table(listing, query) : ''} ${entries.length > 0 ? '' : empty}
    ${truncated ? more : ''}`
}

function summary(entries: readonly Entry[]): string {
  const files = entries.filter(({ kind }) => kind === 'file')
  const folders = entries.length - files.length
  const bytes = files.reduce((sum, { size = 0 }) => sum + size, 0)
  const parts = [
    ...(folders > 0 ? [count(folders, 'folder')] : []),
    ...(files.length > 0 ? [count(files.length, 'file'), formatSize(bytes)] : []),
  ]
  return parts.join(' · ')
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

const columns = [
  ['name', 'Name'],
  ['size', 'Size'],
  ['modified', 'Changed'],
] as const

function table({ entries, parent }: Listing, query: URLSearchParams): Markup {
  return html`<table>
    <thead>
      <tr>
        ${columns.map(([key, label]) => heading(key, label, query))}
        <td></td>
      </tr>
    </thead>
    <tbody data-testid="entries">
      ${parent ? up : ''}${entries.map(row)}
    </tbody>
  </table>`
}

function heading(key: string, label: string, query: URLSearchParams): Markup {
  const current = (query.get('sort') ?? 'name') === key
  const descending = query.get('order') === 'desc'
  // By size or date, the largest or newest one is looked for first.
  const next = current ? (descending ? 'asc' : 'desc') : key === 'name' ? 'asc' : 'desc'
  const sorted = current ? html`aria-sort="${descending ? 'descending' : 'ascending'}"` : ''
  return html`<th scope="col" class="${key}" ${sorted}>
    <a href="?sort=${key}&amp;order=${next}">${label}</a>
  </th>`
}

const up = html`<tr class="up">
  <td class="name">
    <svg class="icon" aria-hidden="true"><use href="#folder" /></svg><a href="../" aria-label="Up">..</a>
  </td>
  <td class="size"></td>
  <td class="modified"></td>
  <td class="get"></td>
</tr>`

function row(entry: Entry): Markup {
  const { name, size, modified } = entry
  const kind = kindOf(entry)
  const href = encodeURIComponent(name) + (kind === 'folder' ? '/' : '')
  const date = modified.toISOString()
  const get =
    kind === 'folder'
      ? ''
      : html`<a href="${href}" download aria-label="Download ${name}" title="Download"></a>`
  return html`<tr data-testid="entry" data-name="${name}">
    <td class="name">
      <svg class="icon ${kind}" aria-hidden="true"><use href="#${kind}" /></svg
      ><a href="${href}"><bdi>${name}</bdi></a>
    </td>
    <td class="size">${size === undefined ? '' : formatSize(size)}</td>
    <td class="modified"><time datetime="${date}">${date.slice(0, 16).replace('T', ' ')}</time></td>
    <td class="get">${get}</td>
  </tr>`
}
