import { Broom } from './broom.ts'
import type { Fixture } from './fixture.ts'
import { Stage } from './stage.ts'
import { StrayWatch } from './stray.ts'
import { soon, turn } from './wait.ts'

/** One sentence of the contract, for any transport and any test runner. Checks run one at a time. */
export interface Check {
  readonly name: string
  run(fixture: Fixture): Promise<void>
}

/** A check of what is not for any transport. */
export interface Feature {
  readonly name: string
  run(): Promise<void>
}

/** A check on a fresh stage. */
export function check(name: string, body: (stage: Stage) => Promise<void>): Check {
  return { name, run: (fixture) => swept((broom) => body(new Stage(fixture, broom))) }
}

/** A check of a feature, which leaves what it makes to the broom. */
export function feature(name: string, body: (broom: Broom) => Promise<void>): Feature {
  return { name, run: () => swept(body) }
}

/** Destroys afterwards what is left; errors that nobody handled fail it, too. */
async function swept(body: (broom: Broom) => Promise<void>): Promise<void> {
  const watch = new StrayWatch()
  const broom = new Broom()
  try {
    await body(broom)
  } finally {
    try {
      await soon(broom.clear(), 'everything destroyed is closed')
      await turn(2)
    } finally {
      watch.stop()
    }
  }
  watch.assertNone()
}
