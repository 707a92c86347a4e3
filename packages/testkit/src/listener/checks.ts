import type { Check } from '../check.ts'
import { acceptingChecks } from './accepting.ts'
import { closingChecks } from './closing.ts'
import { connectingChecks } from './connecting.ts'
import { suspendingChecks } from './suspending.ts'

/** What every listener, and connecting to it, promises. */
export const listenerChecks: readonly Check[] = [
  ...acceptingChecks,
  ...suspendingChecks,
  ...closingChecks,
  ...connectingChecks,
]
