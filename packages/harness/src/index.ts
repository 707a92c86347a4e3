/**
 * What the tests of several packages have in common. Unlike the testkit it leans on core alone, so that the packages
 * that the testkit leans on can have it.
 *
 * @packageDocumentation
 */
export { useManualClock } from './manual-clock.ts'
export { outcome, Program } from './program.ts'
