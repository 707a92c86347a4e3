import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** A whole program that a README or a page of the documentation shows: a `js` block. */
export interface Recipe {
  /** `packages/tcp/README.md: Echo`: the file, and the heading above. */
  readonly name: string
  readonly code: string
}

/** The files whose `js` blocks are recipes. The other packages run those of theirs in their own tests. */
const files = [
  'README.md',
  'packages/core/README.md',
  'packages/tcp/README.md',
  'packages/udp/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
]

/** Of http's, what its own test cannot run in one process with the others; and the first, for it is read first. */
const processes = new Set([
  '@fairlead/http',
  'Proxies of the environment',
  'The globals',
  'Replace a server without a failed request',
])
const http = 'packages/http/README.md'

/** Of ws-bridge's, the first, for it is read first, and one of each further entry point: as they are built. */
const built = new Set(['@fairlead/ws-bridge', 'Reconnect', 'Web streams', 'UDP through an HTTP proxy'])
const websocket = 'packages/ws-bridge/README.md'

export const recipes: readonly Recipe[] = [
  ...files.flatMap((file) => recipesIn(join(root, file))),
  ...recipesIn(join(root, http)).filter(({ name }) => processes.has(name.replace(`${http}: `, ''))),
  ...recipesIn(join(root, websocket)).filter(({ name }) => built.has(name.replace(`${websocket}: `, ''))),
]

function recipesIn(file: string): Recipe[] {
  const found: Recipe[] = []
  let heading = ''
  const text = readFileSync(file, 'utf8')
  for (const [, title, language, code = ''] of text.matchAll(/^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$/gms)) {
    if (title !== undefined) heading = title.replaceAll('`', '')
    if (language === 'js') found.push({ name: `${relative(root, file)}: ${heading}`, code })
  }
  return found
}
