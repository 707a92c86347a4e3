// Installs what the lockfile asks for, unless it is there, and builds what has changed. Needs only Node.js and npm.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { quietly, root } from './quietly.mjs'

const modified = (file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs

/** pnpm writes this file last, when everything is in its place. */
const installed = modified('node_modules/.modules.yaml') ?? 0

if (modified('pnpm-lock.yaml') > installed || modified('pnpm-workspace.yaml') > installed) {
  console.log('Installing the dependencies ...')
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  process.env.CI ??= 'true' // pnpm asks nothing
  await quietly(`npx --yes ${packageManager} install --frozen-lockfile`)
}
await quietly('turbo run build')
