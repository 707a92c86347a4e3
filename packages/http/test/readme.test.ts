import { readFileSync } from 'node:fs'
import { format } from 'node:util'

import * as core from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'
import { expect, test, vi } from 'vitest'

import * as http from '../src/index.ts'

/** Just so much of Hono as the example has. */
class Hono {
  readonly #routes = new Map<string, (c: unknown) => Promise<Response> | Response>()
  get = (path: string, handler: (c: unknown) => Response): unknown => this.#routes.set(`GET ${path}`, handler)
  post = (path: string, handler: (c: unknown) => Promise<Response>): unknown =>
    this.#routes.set(`POST ${path}`, handler)
  fetch = async (request: Request): Promise<Response> => {
    const handler = this.#routes.get(`${request.method} ${new URL(request.url).pathname}`)
    const json = (value: unknown, status = 200): Response => Response.json(value, { status })
    return (await handler?.({ req: { json: () => request.json() }, json })) ?? json({}, 404)
  }
}

const modules: Readonly<Record<string, unknown>> = {
  '@fairlead/core': core,
  '@fairlead/core/memory': memory,
  '@fairlead/http': http,
  '@fairlead/tcp': tcp,
  hono: { Hono },
  'node:crypto': await import('node:crypto'),
}

/** What each example prints, or the end of it. */
const printed: Readonly<Record<string, RegExp>> = {
  'An HTTP/1.1 server': /^200 \{ path: '\/ahoy', said: 'hello' \}$/,
  Hello: /^GET \/, node\n$/,
  'Stream an answer': /^data: 1\ndata: 2\ndata: 3$/,
  'A JSON API with Hono': /^201 \[\{"text":"ahoy"\}\]$/,
  'Take an upload': /^201 [0-9a-f]{64}$/,
  'Go on with another protocol': /^HTTP\/1\.1 101 Switching Protocols$/,
  'Test without sockets': /^HTTP\/1\.1 200 OK\r\n[^]*in memory$/,
  'Stop politely': /^just in time\nlocal$/,
  'Hear of errors': /^\/cellar the cellar is flooded\n500$/,
}

type Run = (
  from: typeof modules,
  console: Record<'log' | 'error', (...data: unknown[]) => void>,
) => Promise<void>

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(({ 1: code = '', index }, at) => {
  const title =
    at === 0
      ? 'An HTTP/1.1 server'
      : (readme
          .slice(0, index)
          .match(/^### .*$/gm)
          ?.at(-1)
          ?.slice(4) ?? '')
  return [title, code] as const
})

test('every example is known', () => {
  expect(blocks.map(([title]) => title)).toEqual(Object.keys(printed))
})

test.each(blocks)('%s', async (title, code) => {
  const log: string[] = []
  const note = (...data: unknown[]): void => void log.push(format(...data))
  const body = code.replaceAll(
    /^import (\{.*\}|\* as \w+) from '(.*)'$/gm,
    (_, names: string, from: string) => `const ${names.replace('* as ', '')} = modules['${from}']`,
  )
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Run
  const run = new AsyncFunction('modules', 'console', body)
  await run(modules, { log: note, error: note })
  await vi.waitFor(() => expect(log.join('\n')).toMatch(printed[title] ?? /never/))
})
