import { readFileSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'

import { parseSync } from 'vite'

/** What a module asks for, types included. An `import()` of anything but a plain string is given as code. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  const { module, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`Cannot parse ${file}: ${errors[0]?.message}`)
  return [
    ...module.staticImports.map((it) => it.moduleRequest.value),
    ...module.staticExports.flatMap((it) => it.entries).flatMap((it) => it.moduleRequest?.value ?? []),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) =>
      source.slice(start, end).replace(/^(['"`])([^'"`$]*)\1$/, '$2'),
    ),
  ]
}

/** True if `specifier` is one of `modules` or a subpath of one. */
function isAmong(modules: readonly string[], specifier: string): boolean {
  return modules.some((it) => specifier === it || specifier.startsWith(`${it}/`))
}

/**
 * Follows the relative imports of `entry` and tells every import that may not be: a module that is not among
 * `allowed`, and a file outside of `folder`. Told as `dist/chunk.js: node:net`.
 */
export function strayImports(entry: string, folder: string, allowed: readonly string[]): string[] {
  const strays: string[] = []
  const files = new Set([entry])
  for (const file of files) {
    for (const specifier of importsOf(file)) {
      const target = resolve(file, '..', specifier)
      if (specifier.startsWith('.') && target.startsWith(folder + sep)) files.add(target)
      else if (!isAmong(allowed, specifier)) strays.push(`${relative(folder, file)}: ${specifier}`)
    }
  }
  return strays
}
