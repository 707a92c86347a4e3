// The whole list, in the order of the RFCs.

import * as requestLine from './cases/01-request-line.mjs'
import * as targets from './cases/02-targets.mjs'
import * as host from './cases/03-host.mjs'
import * as fields from './cases/04-fields.mjs'
import * as framing from './cases/05-framing.mjs'
import * as chunked from './cases/06-chunked.mjs'
import * as trailers from './cases/07-trailers.mjs'
import * as connection from './cases/08-connection.mjs'
import * as pipelining from './cases/09-pipelining.mjs'
import * as expectations from './cases/10-expectations.mjs'
import * as methods from './cases/11-methods.mjs'
import * as upgrades from './cases/12-upgrades.mjs'
import * as limits from './cases/13-limits.mjs'
import * as errors from './cases/14-errors.mjs'

/** `{ section, cases }`, each case with its section's name before its own: `Host: missing`. */
export const sections = [
  requestLine,
  targets,
  host,
  fields,
  framing,
  chunked,
  trailers,
  connection,
  pipelining,
  expectations,
  methods,
  upgrades,
  limits,
  errors,
].map(({ section, cases }) => ({
  section,
  cases: cases.map((one) => ({ ...one, id: `${section}: ${one.id}` })),
}))

export const cases = sections.flatMap((one) => one.cases)
