/**
 * The contract suites on every transport, in a plain loop: one line of JSON for each check. Needs no test
 * runner, so that it runs on any Node, Bun and Deno.
 */
import process from 'node:process'

import type { Check } from './check.ts'
import { connectionChecks } from './connection/checks.ts'
import type { Fixture } from './fixture.ts'
import { fixtures } from './fixtures/all.ts'
import { listenerChecks } from './listener/checks.ts'

/** Milliseconds that one check may take. */
const timeout = 30_000

/** What became of one check. */
interface Result {
  readonly suite: string
  readonly name: string
  readonly ok: boolean
  readonly error?: string
}

async function resultOf(suite: string, check: Check, fixture: Fixture): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${timeout} ms`)), timeout)
  })
  try {
    await Promise.race([check.run(fixture), late])
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

for (const [transport, fixture] of Object.entries(fixtures)) {
  const suites = { [`${transport} connection`]: connectionChecks, [`${transport} listener`]: listenerChecks }
  for (const [suite, checks] of Object.entries(suites)) {
    if (wanted.length > 0 && !wanted.some((word) => suite.includes(word))) continue
    for (const check of checks) console.log(JSON.stringify(await resultOf(suite, check, fixture)))
  }
}
// A failed check may have left something open.
process.exit(0)
