import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'

import { expect } from 'vitest'

import { type Driver, printsItsComments } from './driver.ts'
import type { Recipe } from './recipes.ts'
import { Running } from './running.ts'

/** Asks one after the other on one connection, for as long as it is kept. Never a second time. */
class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  /** Which process answered. */
  async ask(): Promise<string> {
    const request = get({ port: this.#port, host: '127.0.0.1', agent: this.#agent })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return Buffer.concat((await response.toArray()) as Buffer[]).toString()
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Under load such a program is tried in packages/http/test/e2e. */
async function replacing(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const [port] = await running.prints(/listens on port (\d+)/g)
  const clients = Array.from({ length: 4 }, () => new Client(Number(port)))
  const all = (): Promise<string[]> => Promise.all(clients.map((client) => client.ask()))
  const [first] = await running.prints(/(\d+) listens on port/g)
  expect(new Set(await all())).toEqual(new Set([first]))
  running.signal('SIGHUP')
  const [, second] = await running.prints(/(\d+) listens on port/g, 2)
  // The old one answers each of those that it has once more, and sends them on.
  let answers: string[]
  do answers = await all()
  while (answers.some((it) => it !== second))
  expect(await running.prints(/(\d+) is done/g)).toEqual([first])
  for (const client of clients) client.close()
}

const drivers = new Map<string, Driver>([
  ['@fairlead/http', printsItsComments],
  ['Proxies of the environment', printsItsComments],
  ['The globals', printsItsComments],
  ['Replace a server without a failed request', replacing],
])

/** Those of `packages/http/README.md`. */
export const httpDrivers: readonly (readonly [string, Driver])[] = Array.from(
  drivers,
  ([title, driver]) => [`packages/http/README.md: ${title}`, driver] as const,
)
