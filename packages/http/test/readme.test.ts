import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format } from 'node:util'

import * as core from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as node from '@fairlead/core/node'
import * as reconnect from '@fairlead/core/reconnect'
import * as tcp from '@fairlead/tcp'
import * as proxyProtocol from '@fairlead/tcp/proxy-protocol'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import * as codec from '../src/codec/index.ts'
import * as compress from '../src/compress/index.ts'
import * as files from '../src/files/index.ts'
import * as http from '../src/index.ts'
import * as proxy from '../src/proxy/index.ts'
import * as uploads from '../src/uploads/index.ts'
import { listenSocks } from './socks-server.ts'

const ours: Readonly<Record<string, unknown>> = {
  '@fairlead/core': core,
  '@fairlead/core/memory': memory,
  '@fairlead/core/node': node,
  '@fairlead/core/reconnect': reconnect,
  '@fairlead/http': http,
  '@fairlead/http/codec': codec,
  '@fairlead/http/compress': compress,
  '@fairlead/http/files': files,
  '@fairlead/http/proxy': proxy,
  '@fairlead/http/uploads': uploads,
  '@fairlead/tcp': tcp,
  '@fairlead/tcp/proxy-protocol': proxyProtocol,
}

/** What recipes show beside ours, and nothing else here needs. */
const theirs: Readonly<Record<string, () => Promise<unknown>>> = {
  '@tus/file-store': () => import('@tus/file-store'),
  '@tus/server': () => import('@tus/server'),
  'eventsource-parser/stream': () => import('eventsource-parser/stream'),
  socks: () => import('socks'),
  'tus-js-client': () => import('tus-js-client'),
  'tough-cookie': () => import('tough-cookie'),
}

/** What is to happen to a whole process: conformance/recipes.test.ts starts them, and the first block, as programs. */
const programs = new Set([
  'Proxies of the environment',
  'The globals',
  'Replace a server without a failed request',
])

/** Those that hear of every server, or every client, in the process. */
const observers = new Set(['An access log', 'Watch every request'])

/** Whom a recipe finds at the port 7080, where it does not listen itself. */
const others: Readonly<Record<string, () => Promise<{ readonly port: number } & AsyncDisposable>>> = {
  'Through SOCKS': listenSocks,
}

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const readme = read('../README.md')

/** Where recipes make their folders. */
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-recipes-'))
  vi.stubEnv('TMPDIR', folder)
})

afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

interface Recipe {
  readonly title: string
  readonly code: string
}

const recipes: Recipe[] = []
{
  let title = ''
  for (const [, heading, code] of readme.matchAll(/^#+ ([^\n]+)$|^```js\n(.*?)^```$/gms)) {
    if (heading !== undefined) title = heading
    else recipes.push({ title, code: code ?? '' })
  }
}

type Run = (
  load: (name: string) => unknown,
  console: Record<'log' | 'error', (...data: unknown[]) => void>,
) => Promise<void>

const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Run

/** Runs it in this process, and resolves with the lines that it prints. */
async function run(code: string): Promise<string[]> {
  const printed: string[] = []
  const note = (...data: unknown[]): void => void printed.push(format(...data).trim())
  const body = code.replaceAll(
    /^import (\{[^}]*\}|\* as \w+|\w+) from '(.*)'$/gm,
    (_, names: string, from: string) => `const ${bindingOf(names)} = await load('${from}')`,
  )
  const load = (name: string): unknown => ours[name] ?? theirs[name]?.() ?? import(name)
  await new AsyncFunction('load', 'console', body)(load, { log: note, error: note })
  return printed
}

function bindingOf(names: string): string {
  if (names.startsWith('{')) return names.replaceAll(' as ', ': ')
  return names.startsWith('*') ? names.replace('* as ', '') : `{ default: ${names} }`
}

/** What its comments say: those behind a line that prints, or that makes another one print. */
function comments(code: string): string[] {
  const behind = code.matchAll(/(?:console\.log\(|await fetch\().*\)[,;]? \/\/ (.+)$/gm)
  return Array.from(behind, ([, comment = '']) => comment.split(', then ')).flat()
}

/** Which of two sides of a connection prints first is nobody's to say. */
async function check({ title, code }: Recipe): Promise<void> {
  const expected = comments(code).toSorted()
  expect(expected).not.toEqual([])
  await using other = await others[title]?.()
  const printed = await run(code.replaceAll('7080', String(other?.port ?? 7080)))
  await vi.waitFor(() => expect(printed.toSorted()).toEqual(expected), { timeout: 5_000 })
}

const here = recipes.filter(({ title }) => !programs.has(title))

describe.concurrent('the recipe', () => {
  test.each(here.filter(({ title }) => !observers.has(title)))('$title', check)
})

describe('the recipe that hears of all', () => {
  test.each(here.filter(({ title }) => observers.has(title)))('$title', check)
})

test('no two recipes stand under one heading, and the table of contents has each', () => {
  const titles = recipes.map(({ title }) => title)
  expect(new Set(titles).size).toBe(titles.length)
  const anchorOf = (title: string): string =>
    title
      .toLowerCase()
      .replaceAll(/[^a-z\d -]/g, '')
      .replaceAll(' ', '-')
  const [contents = ''] = readme.split('## Recipes')
  expect(titles.slice(1).filter((title) => !contents.includes(`](#${anchorOf(title)})`))).toEqual([])
})

/** A member of an interface or a class, and what its docstring gives as the default. */
interface Member {
  readonly name: string
  readonly value: string
}

/** Its own members, and none that it has of another one. */
function membersOf(file: string, name: string, prefix = ''): Member[] {
  const body =
    new RegExp(`(?:interface|class) ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(read(file))?.[1] ?? ''
  const member = /(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?^ {2}(?:readonly |get )?([a-z]\w+)\??[:(]/gms
  return Array.from(body.matchAll(member), ([, docs = '', own = '']) => {
    const [, value = ''] = /Default:? (\d{1,3}(?:,\d{3})*(?: [KMG]iB)?|`[^`]+`)/.exec(docs) ?? []
    return { name: prefix + own, value: value.replaceAll('`', '') }
  })
}

/** The tables and paragraphs of the reference, or of one part of it. */
function linesOf(part: string): readonly string[] {
  const [, reference = ''] = readme.split('## Reference')
  const text = part === '' ? reference : (reference.split(`\n### ${part}\n`)[1]?.split('\n### ')[0] ?? '')
  return text.replaceAll(/([^|])\n(?=[^|\n#])/g, '$1 ').split('\n')
}

function isThere({ name, value }: Member, lines: readonly string[]): boolean {
  return lines.some((line) => new RegExp(`[\`{ ]${name}[\`(,]| ${name} }`).test(line) && line.includes(value))
}

const internal = new Set(
  'limits limits.bodyBytes constructor abandon end leave refusalOf isNews hold release'.split(' '),
)

describe('the README has every', () => {
  test.each([
    ['HttpListenOptions', '../src/server/options.ts'],
    ['TrustOptions', '../src/server/client-facts.ts'],
    ['ServeOptions', '../src/server/serve.ts'],
    ['CodecLimits', '../src/codec/limits.ts', 'limits.'],
    ['HttpListener', '../src/server/listener.ts'],
    ['HttpStats', '../src/server/stats.ts'],
    ['HttpDiagnosticEvents', '../src/server/diagnostics.ts'],
    ['IncomingRequest', '../src/message/request.ts'],
    ['Exchange', '../src/server/exchange.ts'],
    ['ServeContext', '../src/web/serve-context.ts'],
    ['ClientFacts', '../src/server/client-facts.ts'],
    ['SharedOptions', '../src/client/options.ts'],
    ['RequestOptions', '../src/client/options.ts'],
    ['RequestTimeouts', '../src/client/options.ts'],
    ['ClientOptions', '../src/client/options.ts'],
    ['ResponseLimits', '../src/client/options.ts', 'limits.'],
    ['ConnectTarget', '../src/client/options.ts'],
    ['FileBody', '../src/client/options.ts'],
    ['IncomingResponse', '../src/client/response.ts'],
    ['ToFileOptions', '../src/client/download/options.ts'],
    ['DownloadOptions', '../src/client/download/options.ts'],
    ['SavedFile', '../src/client/download/options.ts'],
    ['RequestError', '../src/client/errors.ts'],
    ['ClientStats', '../src/client/stats.ts'],
    ['PoolStats', '../src/client/pool.ts'],
    ['ClientDiagnosticEvents', '../src/client/diagnostics.ts'],
    ['ServeFilesOptions', '../src/files/options.ts', '', 'Files that are served'],
    ['MemoryOptions', '../src/files/options.ts', 'memory.', 'Files that are served'],
    ['FileOptions', '../src/files/options.ts', '', 'Files that are served'],
    ['Listing', '../src/files/listing/listing.ts', '', 'Files that are served'],
    ['Entry', '../src/files/listing/listing.ts', '', 'Files that are served'],
    ['SaveOptions', '../src/uploads/options.ts', '', 'Uploads'],
    ['SavePartOptions', '../src/uploads/options.ts', '', 'Uploads'],
    ['SavedBody', '../src/uploads/options.ts', '', 'Uploads'],
    ['FormLimits', '../src/uploads/options.ts', '', 'Uploads'],
    ['Part', '../src/uploads/part.ts', '', 'Uploads'],
    ['SaveFormOptions', '../src/uploads/options.ts', '', 'Uploads'],
    ['SavedForm', '../src/uploads/saved-form.ts', '', 'Uploads'],
    ['SavedPart', '../src/uploads/saved-part.ts', '', 'Uploads'],
    ['CompressOptions', '../src/compress/options.ts', '', 'Compression'],
    ['DecompressOptions', '../src/compress/options.ts', '', 'Compression'],
    ['ProxyOptions', '../src/proxy/options.ts', '', 'Reverse proxies'],
    ['ProxiedRequest', '../src/proxy/options.ts', '', 'Reverse proxies'],
    ['ProxiedAnswer', '../src/proxy/options.ts', '', 'Reverse proxies'],
    ['ProxyStats', '../src/proxy/options.ts', '', 'Reverse proxies'],
    ['ReverseProxy', '../src/proxy/proxy.ts', '', 'Reverse proxies'],
  ])('%s, with its default', (name: string, file: string, prefix = '', part = '') => {
    const members = membersOf(file, name, prefix).filter((it) => !internal.has(it.name))
    const lines = linesOf(part)
    expect(members).not.toEqual([])
    expect(members.filter((it) => !isThere(it, lines))).toEqual([])
  })
})

/** The rows of docs/LIMITS.md below one of its headings. */
function limitsBelow(heading: string): readonly string[] {
  const end = heading.startsWith('### ') ? '^##' : '^## '
  const limits = read('../../../docs/LIMITS.md')
  return new RegExp(`^${heading}\\n(.*?)${end}`, 'ms').exec(limits)?.[1]?.split('\n') ?? []
}

/** Those of the members that have a limit by default, and no row that tells of it. */
function untold(rows: readonly string[], file: string, name: string, prefix: string): readonly Member[] {
  const limits = membersOf(file, name, prefix).filter(({ value }) =>
    /^(?:[1-9][\d,]*(?: [KMG]iB)?|Infinity)$/.test(value),
  )
  expect(limits).not.toEqual([])
  return limits.filter(
    (it) =>
      !rows.some(
        (row) => row.startsWith(`| \`${it.name}\` `) && new RegExp(`[ \`]${it.value}[ \`]`).test(row),
      ),
  )
}

describe('docs/LIMITS.md has every default of a client', () => {
  const rows = limitsBelow('### Asking')

  test.each([
    ['SharedOptions', '../src/client/options.ts', ''],
    ['RequestTimeouts', '../src/client/options.ts', 'timeouts.'],
    ['ClientOptions', '../src/client/options.ts', ''],
    ['ResponseLimits', '../src/client/options.ts', 'limits.'],
    ['ToFileOptions', '../src/client/download/options.ts', ''],
    ['DownloadOptions', '../src/client/download/options.ts', ''],
  ])('%s', (name, file, prefix) => {
    expect(untold(rows, file, name, prefix)).toEqual([])
  })
})

describe('docs/LIMITS.md has every default of what applications use', () => {
  test.each([
    ['MemoryOptions', '../src/files/options.ts', 'memory.', '### Files'],
    ['SaveOptions', '../src/uploads/options.ts', '', '### Uploads'],
    ['FormLimits', '../src/uploads/options.ts', '', '### Uploads'],
    ['CompressOptions', '../src/compress/options.ts', '', '### Compression'],
    ['DecompressOptions', '../src/compress/options.ts', '', '### Compression'],
    ['ProxyOptions', '../src/proxy/options.ts', '', '### Reverse proxies'],
  ])('%s', (name, file, prefix, heading) => {
    expect(untold(limitsBelow(heading), file, name, prefix)).toEqual([])
  })

  /** Bounds that are no options, by the constant that holds each, and words of their row. */
  test.each([
    ['files/request-path.ts', 'longestPath', 'Files', 'a path'],
    ['files/request-path.ts', 'longestName', 'Files', 'a name in it'],
    ['files/ranges.ts', 'most', 'Files', 'ranges of one request'],
    ['files/listing/answer.ts', 'longest', 'Files', '`Accept` of a listing'],
    ['files/listing/read-folder.ts', 'together', 'Files', 'entries of a folder that are looked at together'],
    ['files/content-tag.ts', 'most', 'Files', 'digests that are remembered'],
    ['files/open-source.ts', 'smallest', 'Files', 'a file that is read before'],
    ['files/file-pieces.ts', 'laterSize', 'Files', 'a piece of a larger one'],
    ['disk/gathered.ts', 'size', 'Uploads', 'a piece that is written'],
    ['coding/negotiation.ts', 'longest', 'Compression', '`Accept-Encoding`'],
    ['compress/whole.ts', 'atOnce', 'Compression', 'a body that is encoded at once'],
    ['compress/whole.ts', 'wholeLimit', 'Compression', 'a body that is encoded before'],
    ['compress/whole.ts', 'most', 'Compression', 'bodies in the pool'],
    ['compress/begun.ts', 'atMost', 'Compression', 'a stream that is taken whole'],
    ['compress/encoded-stream.ts', 'highWater', 'Compression', 'bytes that wait for an encoder'],
    ['coding/allowance.ts', 'free', 'Compression', 'decoded before'],
    ['proxy/upstream-target.ts', 'most', 'Reverse proxies', 'targets that are remembered'],
  ])('%s: %s', (file, name, heading, words) => {
    const [, product = ''] = new RegExp(`const ${name} = ([\\d_ *]+)\\n`).exec(read(`../src/${file}`)) ?? []
    const value = product.split(' * ').reduce((all, it) => all * Number(it.replaceAll('_', '')), 1)
    const forms = [value.toLocaleString('en'), `${value / 1024} KiB`, `${value / 1024 / 1024} MiB`]
    const rows = limitsBelow(`### ${heading}`).filter((row) => row.startsWith(`| ${words}`))
    expect(product).not.toBe('')
    expect(rows.filter((row) => forms.some((form) => row.includes(` ${form} `)))).toHaveLength(1)
  })
})
