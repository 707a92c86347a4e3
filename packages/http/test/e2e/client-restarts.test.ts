import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Program } from '@fairlead/harness'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** For who wants more of it. */
const factor = Number(process.env['RESTARTS'] ?? 1)
const requests = 10_000 * factor
const restarts = 12 * factor

interface Outcome {
  readonly answered: number
  /** Of which nobody knows whether they were processed. */
  readonly lost: number
  readonly again: number
  readonly retries: number
  readonly phases: Readonly<Record<string, number>>
  readonly wrong: readonly string[]
}

let folder = ''

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fairlead-'))))

afterEach(async () => {
  await Program.killAll()
  rmSync(folder, { recursive: true })
})

/**
 * A port that the system gives to nobody who connects: while nobody listens on one that it does, a connection to it
 * may be given the same port, and so reach itself.
 */
async function quietPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((resolve) => server.close(resolve))
    if (free) return port
  }
}

/** Started ahead: that takes far longer than to serve a thousand requests. */
function start(index: number, port: number, log: string): Program {
  const kind = index % 2 === 0 ? 'own' : 'node'
  const file = new URL('../programs/client-restarts-server.mjs', import.meta.url)
  return Program.start(file, [kind, String(port), log])
}

async function serve(server: Program): Promise<Program> {
  await server.prints(/^ready$/gm)
  server.child.kill('SIGUSR2')
  await server.prints(/^serving$/gm)
  return server
}

const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1)

test('24 10,000 requests while their server is restarted: each has its own answer, or an error that is right about sending it again', async () => {
  const [log, told] = [join(folder, 'log'), join(folder, 'told')]
  writeFileSync(log, '')
  const port = await quietPort()
  const ahead = 4
  const servers = Array.from({ length: ahead }, (_, index) => start(index, port, log))
  let serving = await serve(servers.shift()!)
  const client = Program.start(new URL('../programs/client-restarts.mjs', import.meta.url), [
    String(port),
    String(requests),
    told,
  ])
  for (let restart = 1; restart <= restarts; restart++) {
    // Each hundred is told of.
    await client.prints(/^\d+ sent$/gm, Math.floor((requests / 100 / (restarts + 1)) * restart))
    servers.push(start(restart + ahead - 1, port, log))
    // Every way of ending is seen of both kinds.
    serving.child.kill(restart % 4 < 2 ? 'SIGKILL' : 'SIGTERM')
    serving = await serve(servers.shift()!)
  }
  const [line = ''] = await client.prints(/^\{.*\}$/gm)
  const outcome = JSON.parse(line) as Outcome
  await client.ended

  expect(outcome.wrong).toEqual([])
  expect(outcome.answered + outcome.lost).toBe(requests)
  expect(outcome.answered).toBeGreaterThan(requests * 0.9)
  const processed = linesOf(log).filter((line) => line.startsWith('POST '))
  const once = new Set(processed)
  // Of what was told to be safe to send again, nothing had been processed; and nothing was twice, by whomever.
  expect(linesOf(told).filter((line) => once.has(line))).toEqual([])
  expect(processed.length).toBe(once.size)
  expect(new Set(processed.map((line) => line.split('-')[0])).size).toBe(processed.length)
  expect(processed.length).toBeGreaterThanOrEqual(requests / 2 - outcome.lost)
  // It was no fair weather.
  expect(outcome.lost).toBeGreaterThan(0)
  expect(outcome.again).toBeGreaterThan(0)
  expect(outcome.retries).toBeGreaterThan(0)
})
