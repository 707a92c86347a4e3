import type { Fixture } from './fixture.ts'
import { Stage } from './stage.ts'
import { StrayWatch } from './stray.ts'
import { soon, turn } from './wait.ts'

/** One sentence of the contract, for any transport and any test runner. Checks run one at a time. */
export interface Check {
  readonly name: string
  run(fixture: Fixture): Promise<void>
}

/** A check on a fresh stage, which is cleared afterwards; errors that nobody handled fail it, too. */
export function check(name: string, body: (stage: Stage) => Promise<void>): Check {
  return {
    name,
    async run(fixture) {
      const watch = new StrayWatch()
      const stage = new Stage(fixture)
      try {
        await body(stage)
      } finally {
        try {
          await soon(stage.clear(), 'everything destroyed is closed')
          await turn(2)
        } finally {
          watch.stop()
        }
      }
      watch.assertNone()
    },
  }
}
