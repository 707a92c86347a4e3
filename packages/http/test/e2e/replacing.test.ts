import { Program } from '@fairlead/harness'
import { afterEach, expect, test } from 'vitest'

import { Load } from './load.ts'

afterEach(() => Program.killAll())

/** For who wants more of it. */
const factor = Number(process.env['REPLACEMENTS'] ?? 1)

/** What each generation has to answer before it is replaced. */
const answers = 10

// With `none` both generations accept from one queue of the system's; with `rr` the primary hands connections over.
test.each([
  ['two processes take turns', 'turns', 'none', 100],
  ['two processes take turns', 'turns', 'rr', 10],
  ['a process follows the other', 'fresh', 'none', 3],
  ['a process follows the other', 'fresh', 'rr', 3],
])('no request fails while %s (%s, %s, %i times)', async (_, how, policy, times) => {
  const program = Program.start(new URL('../programs/replacing.mjs', import.meta.url), [how], {
    env: { NODE_CLUSTER_SCHED_POLICY: policy },
  })
  const [port] = await program.prints(/^generation 1 on port (\d+)$/gm)
  const load = new Load({ port: Number(port), host: '127.0.0.1' }, { clients: 12, again: true })
  const replacements = times * factor
  for (let generation = 1; generation <= replacements; generation++) {
    await load.until(() => load.served(generation) >= answers)
    program.child.kill('SIGHUP')
    await program.prints(/^generation \d+ on port \d+$/gm, generation + 1)
  }
  await load.until(() => load.served(replacements + 1) >= answers)
  await load.stop()
  expect(load.failures).toEqual([])
  expect(load.generations.size).toBe(replacements + 1)
  // Clients were sent from one generation to the next, and had kept their connections until then.
  expect(load.connections).toBeGreaterThan(replacements)
  expect(load.answers).toBeGreaterThan(load.connections)
  expect(new Set(await program.prints(/on port (\d+)/g))).toEqual(new Set([port]))

  program.child.kill('SIGTERM')
  await program.ended
  expect({ code: program.child.exitCode, output: program.output }).toMatchObject({
    code: 0,
    output: expect.not.stringContaining('worker ended') as string,
  })
})
