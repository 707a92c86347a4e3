/**
 * The contract suites on every transport, and what sockets do beyond them, in a plain loop: one line of JSON for
 * each check. Needs no test runner, so that it runs on any Node, Bun and Deno.
 */
import process from 'node:process'

import type { Check, Feature } from './check.ts'
import { connectionChecks } from './connection/checks.ts'
import { fixtures } from './fixtures/all.ts'
import { listenerChecks } from './listener/checks.ts'
import { streamFeatures } from './tcp/features.ts'
import { inheritedFeatures } from './tcp/listening.ts'
import { datagramFeatures } from './udp/features.ts'

/** Milliseconds that one check may take. */
const timeout = 30_000

/** What became of one check. */
interface Result {
  readonly suite: string
  readonly name: string
  readonly ok: boolean
  readonly error?: string
}

async function resultOf(suite: string, check: Feature): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${timeout} ms`)), timeout)
  })
  try {
    await Promise.race([check.run(), late])
    return { suite, name: check.name, ok: true }
  } catch (error) {
    return {
      suite,
      name: check.name,
      ok: false,
      error: error instanceof Error ? error.message : String(error),
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Only suites whose name contains an argument of the command line, if there are any. */
const wanted = process.argv.slice(2)

const suites: Record<string, readonly Feature[]> = {}
for (const [transport, fixture] of Object.entries(fixtures)) {
  const on = ({ name, run }: Check): Feature => ({ name, run: () => run(fixture) })
  suites[`${transport} connection`] = connectionChecks.map(on)
  suites[`${transport} listener`] = listenerChecks.map(on)
}
Object.assign(suites, streamFeatures, datagramFeatures)
const { FAIRLEAD_INHERITED: inherited } = process.env
if (inherited !== undefined) suites['inherited socket'] = inheritedFeatures(Number(inherited))

for (const [suite, checks] of Object.entries(suites)) {
  if (wanted.length > 0 && !wanted.some((word) => suite.includes(word))) continue
  for (const check of checks) console.log(JSON.stringify(await resultOf(suite, check)))
}
// A failed check may have left something open.
process.exit(0)
