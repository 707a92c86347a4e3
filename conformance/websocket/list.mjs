// The whole list, in the order of the RFCs.

import * as request from './cases/01-request.mjs'
import * as negotiation from './cases/02-negotiation.mjs'
import * as framing from './cases/03-framing.mjs'
import * as fragments from './cases/04-fragments.mjs'
import * as control from './cases/05-control.mjs'
import * as utf8 from './cases/06-utf8.mjs'
import * as closing from './cases/07-closing.mjs'
import * as limits from './cases/08-limits.mjs'
import * as compression from './cases/09-compression.mjs'
import * as resets from './cases/10-resets.mjs'
import * as crashes from './cases/11-crashes.mjs'

/** `{ section, cases }`, each case with its section's name before its own: `Framing: unmasked`. */
export const sections = [
  request,
  negotiation,
  framing,
  fragments,
  control,
  utf8,
  closing,
  limits,
  compression,
  resets,
  crashes,
].map(({ section, cases }) => ({
  section,
  cases: cases.map((one) => ({ ...one, id: `${section}: ${one.id}` })),
}))

export const cases = sections.flatMap((one) => one.cases)
