import { outcome, Program } from '@fairlead/harness'
import { afterEach, expect, test } from 'vitest'

afterEach(() => Program.killAll())

interface Held {
  readonly resources: string
  readonly descriptors: number
}

interface Outcome {
  readonly cycles: number
  readonly before: Held
  readonly after: Held
  readonly grown: number
}

test('23 a thousand clients that were made, used and closed leave no handle and no memory behind', async () => {
  const server = Program.start(new URL('../programs/client-peer.mjs', import.meta.url), ['own'])
  const [port = ''] = await server.prints(/^listening on .*:(\d+)$/gm)
  const got = await outcome<Outcome>(new URL('../programs/client-cycles.mjs', import.meta.url), [port], {
    env: { NODE_OPTIONS: '--expose-gc' },
  })
  expect(got.cycles).toBe(1_000)
  expect(got.after).toEqual(got.before)
  expect(got.before.resources).not.toMatch(/TCP|Timeout|FSReq/)
  expect(got.grown).toBeLessThan(512 * 1024)
})
