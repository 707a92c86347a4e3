/**
 * What tests of this repository share: the contract suites for vitest, and what a new transport needs to run
 * them. `runtimes.ts` is the other way in, without a test runner.
 *
 * @packageDocumentation
 */
export { check, type Check } from './check.ts'
export { connectionChecks } from './connection/checks.ts'
export {
  type Capabilities,
  everything,
  type Fixture,
  type Peer,
  type RecordReader,
  type Records,
} from './fixture.ts'
export { fixtures } from './fixtures/all.ts'
export { layered } from './fixtures/layered.ts'
export { listenerChecks } from './listener/checks.ts'
export { binaryRecords, byteRecords, jsonRecords, textRecords } from './records.ts'
export { requireProgram, requireThat } from './requires.ts'
export { failureOf, quiet, settled, soon, turn, until } from './wait.ts'
export { describeConnection, describeListener } from './vitest.ts'
