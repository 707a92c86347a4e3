import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

import ts from 'typescript'

import { packages } from './packages.ts'

const root = join(import.meta.dirname, '..')

/** Where an example stands as far as the compiler is concerned: in a package that may import all others. */
const home = join(root, 'packages/examples')

/** A piece of TypeScript that a docstring or a README shows. */
export interface Example {
  /** `packages/tcp/src/listen.ts 3`: the file, and which one in it. */
  readonly where: string
  readonly code: string
}

/** What examples take for granted. */
const prelude = `
import type { ByteConnection, Listener, MessageConnection } from '@fairlead/core'
import type { Exchange, HttpListener, ServeContext } from '@fairlead/http'
import type { UdpSession, UdpSocket } from '@fairlead/udp'
declare global {
  const connection: ByteConnection
  const stream: ByteConnection
  const client: ByteConnection
  const socket: UdpSocket
  const session: UdpSession<string>
  const upstream: ByteConnection
  const cert: string
  const key: string
  const exchange: Exchange
  const server: HttpListener
  const context: ServeContext
  const began: number
  const journal: { append(line: string): Promise<void> }
  const web: Listener<unknown>
  const chat: Listener<unknown>
  const listener: Listener<MessageConnection<string>>
  const writer: WritableStreamDefaultWriter<string>
  const query: Uint8Array
  const legacyServer: import('node:events').EventEmitter
  function echo(connection: MessageConnection<string>): Promise<void>
}
`

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  module: ts.ModuleKind.NodeNext,
  customConditions: ['@fairlead/source'],
  allowImportingTsExtensions: true,
  strict: true,
  skipLibCheck: true,
  noEmit: true,
}

/** Every example of every public package, of the repository's own README, and of `docs`. */
export function collectExamples(): Example[] {
  const examples = blocksIn(join(root, 'README.md'), [])
  for (const file of readdirSync(join(root, 'docs'))) {
    if (file.endsWith('.md')) examples.push(...blocksIn(join(root, 'docs', file), []))
  }
  for (const { folder, entries } of packages) {
    const names = [...entries.keys()]
    for (const file of readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.ts')) examples.push(...blocksIn(join(folder, 'src', file), names))
    }
    examples.push(...blocksIn(join(folder, 'README.md'), names))
  }
  return examples
}

/** The `ts` blocks of a file; the package they are about need not be imported in them. */
function blocksIn(file: string, entries: readonly string[]): Example[] {
  const text = readFileSync(file, 'utf8').replaceAll(/^ *\* ?/gm, '')
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)]
  return blocks.map(([, code = ''], index) => ({
    where: `${relative(root, file)} ${index + 1}`,
    code: importsFor(code, entries) + code,
  }))
}

/** Imports what `code` names of the exports of `entries`, and does not import or declare itself. */
function importsFor(code: string, entries: readonly string[]): string {
  const words = new Set(code.match(/[A-Za-z]\w*/g))
  const own = new Set(
    code.match(/(?<=\b(?:const|function|class) )\w+|(?<=import \{[^}]*)\w+(?=[^{]*\} from)/g),
  )
  return entries
    .map((entry) => {
      const names = exportsOf(entry).filter((name) => words.has(name) && !own.has(name))
      for (const name of names) own.add(name)
      return names.length > 0 ? `import { ${names.join(', ')} } from '${entry}'\n` : ''
    })
    .join('')
}

function exportsOf(entry: string): string[] {
  const [, scope, name, ...subpath] = /^(@fairlead)\/([^/]+)(?:\/(.*))?$/.exec(entry) ?? []
  if (!scope) return []
  const at = join(root, 'packages', name ?? '', 'src', subpath[0] ?? 'index')
  const names = exportsIn(existsSync(`${at}.ts`) ? `${at}.ts` : join(at, 'index.ts'))
  // Small words such as `ready` and `tick` are not meant there.
  const meant = subpath[0] === 'transport' ? names.filter((name) => /^[A-Z]/.test(name)) : names
  // A function with several signatures is declared several times.
  return [...new Set(meant)]
}

/** What a module exports that is no type; names that its own declarations keep to themselves are among them. */
function exportsIn(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ESNext)
  return source.statements.flatMap((it) => {
    if ((ts.isFunctionDeclaration(it) || ts.isClassDeclaration(it)) && it.name) return [it.name.text]
    if (
      ts.isVariableStatement(it) &&
      it.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    ) {
      return it.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []))
    }
    if (!ts.isExportDeclaration(it) || it.isTypeOnly) return []
    if (!it.exportClause) return exportsIn(join(dirname(file), (it.moduleSpecifier as ts.StringLiteral).text))
    if (!ts.isNamedExports(it.exportClause)) return []
    return it.exportClause.elements.filter((el) => !el.isTypeOnly).map((el) => el.name.text)
  })
}

/** What the compiler has to say about each example, by where it stands. */
export function faultsOf(examples: readonly Example[]): Map<string, string[]> {
  const files = new Map(examples.map(({ code }, index) => [join(home, `example-${index}.ts`), code]))
  const world = join(home, 'example-prelude.ts')
  const all = new Map([...files, [world, prelude]])
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (file) => all.has(file) || fileExists(file)
  host.readFile = (file) => all.get(file) ?? readFile(file)
  host.getSourceFile = (file, version, ...rest) => {
    const text = all.get(file)
    return text === undefined
      ? getSourceFile(file, version, ...rest)
      : ts.createSourceFile(file, `${text}\nexport {}\n`, version)
  }
  const program = ts.createProgram([...all.keys()], options, host)
  const faults = [...files.keys()].map((file, index) => {
    const source = program.getSourceFile(file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    const messages = found.map((it) => ts.flattenDiagnosticMessageText(it.messageText, '\n'))
    return [examples[index]?.where ?? file, messages] as const
  })
  return new Map(faults)
}
