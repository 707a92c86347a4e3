import { describe, test } from 'vitest'

import type { Check, Feature } from './check.ts'
import { connectionChecks } from './connection/checks.ts'
import type { Fixture } from './fixture.ts'
import { listenerChecks } from './listener/checks.ts'

/** Milliseconds that one check may take. */
const timeout = 20_000

/** Runs every check of a connection's contract as a test. */
export function describeConnection(label: string, fixture: Fixture): void {
  describeChecks(`${label} connection`, connectionChecks, fixture)
}

/** Runs every check of a listener's contract as a test. */
export function describeListener(label: string, fixture: Fixture): void {
  describeChecks(`${label} listener`, listenerChecks, fixture)
}

/** Runs features as tests. */
export function describeFeatures(label: string, features: readonly Feature[]): void {
  describe(label, () => {
    for (const feature of features) test(feature.name, { timeout }, () => feature.run())
  })
}

function describeChecks(label: string, checks: readonly Check[], fixture: Fixture): void {
  describe(label, () => {
    for (const check of checks) test(check.name, { timeout }, () => check.run(fixture))
  })
}
