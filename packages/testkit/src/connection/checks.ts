import type { Check } from '../check.ts'
import { backpressureChecks } from './backpressure.ts'
import { callbackChecks } from './callbacks.ts'
import { closingChecks } from './closing.ts'
import { endingChecks } from './ending.ts'
import { handlerChecks } from './handlers.ts'
import { integrityChecks } from './integrity.ts'
import { readingChecks } from './reading.ts'
import { sendingChecks } from './sending.ts'

/** What every connection promises. */
export const connectionChecks: readonly Check[] = [
  ...integrityChecks,
  ...backpressureChecks,
  ...handlerChecks,
  ...readingChecks,
  ...endingChecks,
  ...closingChecks,
  ...sendingChecks,
  ...callbackChecks,
]
