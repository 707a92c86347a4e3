import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format } from 'node:util'

import * as core from '@fairlead/core'
import * as http from '@fairlead/http'
import * as tcp from '@fairlead/tcp'
import * as udp from '@fairlead/udp'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

import { DatagramDecoder, encodeDatagram } from '../src/connect-udp/datagram.ts'
import * as connectUdp from '../src/connect-udp/index.ts'
import * as websocket from '../src/index.ts'
import * as reconnect from '../src/reconnect.ts'
import * as web from '../src/web.ts'

const ours: Readonly<Record<string, unknown>> = {
  '@fairlead/core': core,
  '@fairlead/http': http,
  '@fairlead/tcp': tcp,
  '@fairlead/udp': udp,
  '@fairlead/ws-bridge': websocket,
  '@fairlead/ws-bridge/connect-udp': connectUdp,
  '@fairlead/ws-bridge/reconnect': reconnect,
  '@fairlead/ws-bridge/web': web,
}

/** Those that hear of every bridge in the process. */
const observers = new Set(['Watch a bridge'])

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const readme = read('../README.md')

/** Where recipes make their folders and sockets. */
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

/** Runs it in this process, and notes the lines that it prints. */
async function run(code: string, note: (line: string) => void): Promise<void> {
  const print = (...data: unknown[]): void => note(format(...data).trim())
  const body = code.replaceAll(
    /^import (\{[^}]*\}|\* as \w+) from '(.*)'$/gm,
    (_, names: string, from: string) => {
      const binding = names.startsWith('{') ? names.replaceAll(' as ', ': ') : names.replace('* as ', '')
      return `const ${binding} = await load('${from}')`
    },
  )
  const load = (name: string): unknown => ours[name] ?? import(name)
  await new AsyncFunction('load', 'console', body)(load, { log: print, error: print })
}

/** What its comments say: those behind a line that prints. */
function comments(code: string): string[] {
  const behind = code.matchAll(/console\.log\(.*\)[,;]? \/\/ (.+)$/gm)
  return Array.from(behind, ([, comment = '']) => comment.split(', then ')).flat()
}

/** Which of two sides of a connection prints first is nobody's to say. */
async function check({ code }: Recipe): Promise<void> {
  const expected = comments(code).toSorted()
  expect(expected).not.toEqual([])
  const printed: string[] = []
  await run(code, (line) => printed.push(line))
  await vi.waitFor(() => expect(printed.toSorted()).toEqual(expected), { timeout: 5_000 })
}

describe.concurrent('the recipe', () => {
  test.each(recipes.filter(({ title }) => !observers.has(title)))('$title', check)
})

describe('the recipe that hears of all', () => {
  test.each(recipes.filter(({ title }) => observers.has(title)))('$title', check)
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

/** A member of an interface, and what its docstring gives as the default. */
interface Member {
  readonly name: string
  readonly value: string
}

/** Its own members, and none that it has of another one. */
function membersOf(file: string, name: string, prefix = ''): Member[] {
  const body = new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(read(file))?.[1] ?? ''
  const member = /(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?^ {2}(?:readonly )?([a-z]\w+)\??[:(]/gms
  return Array.from(body.matchAll(member), ([, docs = '', own = '']) => {
    const [, value = ''] = /Default:? (\d{1,3}(?:,\d{3})*(?: [KMG]iB)?|`[^`]+`)/.exec(docs) ?? []
    return { name: prefix + own, value: value.replaceAll('`', '') }
  })
}

/** The rows of the tables of one part of the reference. */
function rowsOf(part: string): readonly string[] {
  const [, reference = ''] = readme.split('## Reference')
  const text = reference.split(`\n### ${part}\n`)[1]?.split('\n### ')[0] ?? ''
  return text.split('\n').filter((line) => line.startsWith('|'))
}

const ofConnections = 'What holds for a connection'
const members: [name: string, file: string, part: string, prefix: string][] = [
  ['ConnectionOptions', '../src/options.ts', ofConnections, ''],
  ['HeartbeatOptions', '../src/options.ts', ofConnections, 'heartbeat.'],
  ['CompressionOptions', '../src/compression.ts', ofConnections, 'compression.'],
  ['WebSocketConnection', '../src/websocket.ts', 'A connection', ''],
  ['WebSocketListenOptions', '../src/listen.ts', 'Options of `listen`', ''],
  ['HandshakeOptions', '../src/listener.ts', 'Options of `listen`', ''],
  ['VestibuleOptions', '../src/vestibule.ts', 'Options of `listen`', ''],
  ['AcceptOptions', '../src/acceptor.ts', 'Options of `listen`', ''],
  ['GuardOptions', '../src/guard/guard.ts', 'Options of `listen`', ''],
  ['WebSocketConnectOptions', '../src/client/options.ts', 'Options of `connect`', ''],
  ['BridgeOptions', '../src/bridge/options.ts', 'Bridges', ''],
  ['TokenTargets', '../src/bridge/options.ts', 'Bridges', 'to.'],
  ['BridgeListenOptions', '../src/bridge/options.ts', 'Bridges', ''],
  ['BridgeConnectOptions', '../src/bridge/options.ts', 'Bridges', ''],
  ['UdpProxyOptions', '../src/connect-udp/options.ts', 'UDP proxies', ''],
  ['ConnectUdpOptions', '../src/connect-udp/client-options.ts', 'UDP proxies', ''],
]

test.each(members)('the README has every member of %s, with its default', (name, file, part, prefix) => {
  const rows = rowsOf(part)
  const all = membersOf(file, name, prefix)
  expect(all).not.toEqual([])
  const missing = all.filter(
    (it) => !rows.some((row) => new RegExp(`\`${it.name}[\`(]`).test(row) && row.includes(it.value)),
  )
  expect(missing).toEqual([])
})

test('the README has every close code', () => {
  const text = readme.split('\n### Close codes\n')[1]?.split('\n### ')[0]?.replaceAll(/\s+/g, ' ') ?? ''
  const missing = Object.entries(websocket.closeCodes).filter(
    ([name, code]) => !text.includes(`\`${name}\` ${code}`),
  )
  expect(missing).toEqual([])
})

/** The rows of docs/LIMITS.md about this package. */
const [, limits = ''] =
  /^## ws-bridge\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(read('../../../docs/LIMITS.md')) ?? []

const limited = members.filter(([name]) => !['WebSocketConnection', 'WebSocketListenOptions'].includes(name))

test.each(limited)('docs/LIMITS.md has every default of %s', (name, file, _, prefix) => {
  const numbers = membersOf(file, name, prefix).filter(({ value }) =>
    /^[1-9][\d,]*(?: [KMG]iB)?$/.test(value),
  )
  const rows = limits.split('\n')
  const untold = numbers.filter(
    (it) => !rows.some((row) => row.startsWith(`| \`${it.name}\``) && row.includes(` ${it.value} `)),
  )
  expect(untold).toEqual([])
})

/** Bounds that are no options, by the constant that holds each, and words of their row. */
test.each([
  ['frame.ts', 'joinSize', 'copied behind its header'],
  ['compression.ts', 'largestAtOnce', 'a message that is compressed'],
  ['compression.ts', 'freeExpansion', 'decompressed before'],
  ['close-codes.ts', 'maxText', 'the text of a Close frame'],
  ['subprotocol.ts', 'mostOffered', 'subprotocols of one offer'],
  ['bridge/token-file.ts', 'maxFiles', 'files of a folder of tokens'],
  ['bridge/token-file.ts', 'maxBytes', 'all of them together'],
  ['bridge/dial.ts', 'largestDatagram', 'a datagram of a bridge'],
  ['connect-udp/datagram.ts', 'maxPayload', 'a UDP payload in a capsule'],
  ['connect-udp/datagram.ts', 'maxSkipped', 'a capsule that is skipped'],
])('docs/LIMITS.md has %s: %s', (file, name, words) => {
  const [, product = ''] = new RegExp(`const ${name} = ([\\d_ *]+)\\n`).exec(read(`../src/${file}`)) ?? []
  const value = product.split(' * ').reduce((all, it) => all * Number(it.replaceAll('_', '')), 1)
  const forms = [value.toLocaleString('en'), `${value / 1024} KiB`, `${value / 1024 / 1024} MiB`]
  const rows = limits.split('\n').filter((row) => row.startsWith(`| ${words}`))
  expect(product).not.toBe('')
  expect(rows.filter((row) => forms.some((form) => row.includes(` ${form} `)))).toHaveLength(1)
})

test('what docs/wire/CONNECT-UDP.md shows is what is sent, and read', () => {
  const [, example = ''] = read('../../../docs/wire/CONNECT-UDP.md').split('\n## Example\n')
  const bytesOf = (side: string): Buffer =>
    Buffer.from(
      Array.from(example.matchAll(new RegExp(`^${side} +([\\da-f ]+)$`, 'gm')), ([, hex = '']) => hex)
        .join('')
        .replaceAll(' ', ''),
      'hex',
    )
  expect(bytesOf('server').equals(encodeDatagram(Buffer.from('ahoy')))).toBe(true)
  const decoder = new DatagramDecoder()
  decoder.push(bytesOf('client'))
  expect(
    [decoder.next(), decoder.next(), decoder.next()].map((it) => it && Buffer.from(it).toString()),
  ).toEqual(['ahoy', '', undefined])
  expect(decoder.ignored).toBe(1)
})
