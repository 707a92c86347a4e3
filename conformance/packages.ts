import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Manifest {
  name: string
  private?: boolean
  exports: Record<string, string | { default: string }>
}

/** A package of this repository that goes to npm. */
export interface Package {
  /** `tcp` */
  short: string
  /** `@fairlead/tcp` */
  name: string
  folder: string
  /** What users import, and the built file behind it: `@fairlead/tcp/node`, `<folder>/dist/node.js`. */
  entries: ReadonlyMap<string, string>
}

const home = fileURLToPath(new URL('../packages', import.meta.url))

export const packages: readonly Package[] = readdirSync(home).flatMap((short) => {
  const folder = join(home, short)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  if (manifest.private) return []
  const entries = new Map<string, string>()
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'object') entries.set(join(manifest.name, subpath), join(folder, target.default))
  }
  return { short, name: manifest.name, folder, entries }
})
