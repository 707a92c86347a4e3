/**
 * The contract suites on every transport, and what sockets, HTTP and WebSockets do beyond them: one line of JSON for each check.
 * Needs no test runner, so that it runs on any Node, Bun and Deno.
 */
import process from 'node:process'

import type { Check, Feature } from './check.ts'
import { connectionChecks } from './connection/checks.ts'
import { fixtures } from './fixtures/all.ts'
import { httpFeatures } from './http/features.ts'
import { listenerChecks } from './listener/checks.ts'
import { report } from './report.ts'
import { streamFeatures } from './tcp/features.ts'
import { inheritedFeatures } from './tcp/listening.ts'
import { datagramFeatures } from './udp/features.ts'
import { webSocketFeatures } from './websocket/features.ts'

const suites: Record<string, readonly Feature[]> = {}
for (const [transport, fixture] of Object.entries(fixtures)) {
  const on = ({ name, run }: Check): Feature => ({ name, run: () => run(fixture) })
  suites[`${transport} connection`] = connectionChecks.map(on)
  suites[`${transport} listener`] = listenerChecks.map(on)
}
Object.assign(suites, streamFeatures, datagramFeatures, httpFeatures, webSocketFeatures)
const { FAIRLEAD_INHERITED: inherited } = process.env
if (inherited !== undefined) suites['inherited socket'] = inheritedFeatures(Number(inherited))

await report(suites)
