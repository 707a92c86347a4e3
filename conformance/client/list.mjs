// The whole list.

import * as statusLine from './cases/01-status-line.mjs'
import * as fields from './cases/02-fields.mjs'
import * as framing from './cases/03-framing.mjs'
import * as chunked from './cases/04-chunked.mjs'
import * as interim from './cases/05-interim.mjs'
import * as truncated from './cases/06-truncated.mjs'
import * as keepAlive from './cases/07-keep-alive.mjs'
import * as redirects from './cases/08-redirects.mjs'
import * as codings from './cases/09-codings.mjs'
import * as aborts from './cases/10-aborts.mjs'
import * as requests from './cases/11-requests.mjs'
import * as bodies from './cases/12-bodies.mjs'
import * as refused from './cases/13-refused.mjs'
import * as expectations from './cases/14-expectations.mjs'
import * as earlyAnswers from './cases/15-early-answers.mjs'

/** `{ section, cases }`, each case with its section's name before its own, and with what its section needs. */
export const sections = [
  statusLine,
  fields,
  framing,
  chunked,
  interim,
  truncated,
  keepAlive,
  redirects,
  codings,
  aborts,
  requests,
  bodies,
  refused,
  expectations,
  earlyAnswers,
].map(({ section, cases, needs = [] }) => ({
  section,
  cases: cases.map((one) => ({
    ...one,
    id: `${section}: ${one.id}`,
    needs: [...needs, ...(one.needs ?? [])],
  })),
}))

export const cases = sections.flatMap((one) => one.cases)
