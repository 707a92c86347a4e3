import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format } from 'node:util'

import * as core from '@fairlead/core'
import * as http from '@fairlead/http'
import * as tcp from '@fairlead/tcp'
import * as udp from '@fairlead/udp'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

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
