import { WebSocketServer } from 'ws'

import { FrameMeter } from '../frame-meter.ts'
import type { ConnectionSettings } from '../options.ts'

/** Some runtimes have a `ws` of their own, which counts no fragments. */
let countsFragments: boolean | undefined

/** Looks at a server's frames, where `ws` does not tell what has to be known of them. */
export function meterFor({ maxFragments }: ConnectionSettings, compressed: boolean): FrameMeter | undefined {
  countsFragments ??= new WebSocketServer({ noServer: true }).options.maxFragments !== undefined
  return compressed || !countsFragments ? new FrameMeter(maxFragments) : undefined
}
