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

function membersOf(file: string, name: string, prefix = ''): Member[] {
  const body =
    new RegExp(`(?:interface|class) ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(read(file))?.[1] ?? ''
  const member = /(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?^ {2}(?:readonly |get )?([a-z]\w+)\??[:(]/gms
  return Array.from(body.matchAll(member), ([, docs = '', own = '']) => {
    const [, value = ''] = /Default:? (\d{1,3}(?:,\d{3})*(?: [KM]iB)?|`[^`]+`)/.exec(docs) ?? []
    return { name: prefix + own, value: value.replaceAll('`', '') }
  })
}

/** The tables and paragraphs of the reference. */
const lines = (readme.split('## Reference')[1] ?? '').replaceAll(/([^|])\n(?=[^|\n#])/g, '$1 ').split('\n')

function isThere({ name, value }: Member): boolean {
  return lines.some((line) => new RegExp(`[\`{ ]${name}[\`(,]| ${name} }`).test(line) && line.includes(value))
}

const internal = new Set('limits limits.bodyBytes constructor abandon end leave refusalOf isNews'.split(' '))

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
  ])('%s, with its default', (name: string, file: string, prefix = '') => {
    const members = membersOf(file, name, prefix).filter((it) => !internal.has(it.name))
    expect(members).not.toEqual([])
    expect(members.filter((it) => !isThere(it))).toEqual([])
  })
})

describe('docs/LIMITS.md has every default of a client', () => {
  const [, section = ''] = /^### Asking\n(.*?)^## /ms.exec(read('../../../docs/LIMITS.md')) ?? []
  const rows = section.split('\n')

  test.each([
    ['SharedOptions', '../src/client/options.ts', ''],
    ['RequestTimeouts', '../src/client/options.ts', 'timeouts.'],
    ['ClientOptions', '../src/client/options.ts', ''],
    ['ResponseLimits', '../src/client/options.ts', 'limits.'],
    ['ToFileOptions', '../src/client/download/options.ts', ''],
    ['DownloadOptions', '../src/client/download/options.ts', ''],
  ])('%s', (name, file, prefix) => {
    const limits = membersOf(file, name, prefix).filter(({ value }) =>
      /^(?:[1-9][\d,]*(?: [KM]iB)?|Infinity)$/.test(value),
    )
    expect(limits).not.toEqual([])
    const missing = limits.filter(
      (it) =>
        !rows.some(
          (row) => row.startsWith(`| \`${it.name}\` `) && new RegExp(`[ \`]${it.value}[ \`]`).test(row),
        ),
    )
    expect(missing).toEqual([])
  })
})
