import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, onTestFinished, test } from 'vitest'

import { strayImports } from './imports.ts'
import { packages } from './packages.ts'

/** Who may lean on whom: what each package may import, and what one entry may beyond that. */
const allowed: Record<string, string> = {
  '@fairlead/core': 'node:diagnostics_channel',
  '@fairlead/core/node': 'node:stream',
  '@fairlead/tcp': '@fairlead/core node:net node:tls node:dns node:fs node:crypto node:stream',
  '@fairlead/udp': '@fairlead/core node:dgram node:dns node:os node:crypto node:fs',
  '@fairlead/http':
    '@fairlead/core @fairlead/tcp form-data-encoder node:async_hooks node:fs node:path node:url node:zlib node:crypto node:os node:stream',
  '@fairlead/http/compress': 'negotiator',
  '@fairlead/http/files': 'content-disposition mrmime negotiator range-parser',
  '@fairlead/http/uploads': '@fastify/busboy content-disposition',
  '@fairlead/ws-bridge':
    '@fairlead/core @fairlead/tcp @fairlead/udp @fairlead/http ws node:crypto node:fs node:zlib',
}

describe.each(packages)('$name imports only what it may', ({ name, folder, entries }) => {
  test.each([...entries])('%s', (entry, file) => {
    const modules = [allowed[name], allowed[entry]].join(' ').split(' ')
    expect(strayImports(file, folder, modules)).toEqual([])
  })
})

describe('the HTTP codec imports only itself', () => {
  const http = packages.find((it) => it.name === '@fairlead/http')
  const codec = join(http?.folder ?? '', 'src/codec')

  test.each(readdirSync(codec, { recursive: true, encoding: 'utf8' }).filter((it) => it.endsWith('.ts')))(
    '%s',
    (file) => expect(strayImports(join(codec, file), codec, [])).toEqual([]),
  )
})

test('no way of importing goes unseen', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-imports-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const write = (file: string, source: string): void => writeFileSync(join(folder, file), source)
  write('index.ts', `import 'node:fs'; import './static.ts'; await import('./dynamic.ts')`)
  write(
    'static.ts',
    `export * from './reexport.ts'; import type { Socket } from 'node:net'; import '../outside.ts'`,
  )
  write('reexport.ts', `import 'node:fs/promises'; export { lookup } from 'node:dns'`)
  write('dynamic.ts', `import('node:tls'); import('node:' + name); const text = "import 'node:http'"`)

  expect(strayImports(join(folder, 'index.ts'), folder, ['node:fs'])).toEqual([
    'static.ts: node:net',
    'static.ts: ../outside.ts',
    `dynamic.ts: node:tls`,
    `dynamic.ts: 'node:' + name`,
    'reexport.ts: node:dns',
  ])
})
