import process from 'node:process'

import type { Feature } from './check.ts'

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

/**
 * Runs suites in a plain loop, prints one line of JSON for each check, and ends the process. If the command line has
 * arguments, then only those suites whose name contains one.
 */
export async function report(suites: Readonly<Record<string, readonly Feature[]>>): Promise<never> {
  const wanted = process.argv.slice(2)
  for (const [suite, checks] of Object.entries(suites)) {
    if (wanted.length > 0 && !wanted.some((word) => suite.includes(word))) continue
    for (const check of checks) console.log(JSON.stringify(await resultOf(suite, check)))
  }
  // A failed check may have left something open.
  process.exit(0)
}
