import { checkFunction, checkOptions, checkPositive, checkTime } from '@fairlead/core/transport'

import { connectionSettings } from '../options.ts'
import { checkConnect, socketOptions } from './dial.ts'
import { checkSides, type Source, type Target } from './endpoints.ts'
import type { BridgeOptions, TokenTargets } from './options.ts'
import { checkListenNames } from './place.ts'
import { checkTokens } from './tokens.ts'

const names: ReadonlySet<string> = new Set<keyof BridgeOptions>([
  'from',
  'to',
  'listen',
  'connect',
  'unreachable',
  'halfClose',
  'idleTimeout',
  'totalTimeout',
  'lingerTimeout',
  'maxPayload',
  'heartbeat',
  'compression',
])

/** Refuses what could not be bridged with, whatever it is from and to. @throws TypeError or RangeError that names the option. */
export function checkBridge(options: BridgeOptions): void {
  checkOptions('bridge', options)
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new TypeError(`Invalid option ${name}: there is no such option`)
  }
  const { listen = {}, idleTimeout, totalTimeout, lingerTimeout } = options
  checkOptions('listen', listen)
  checkChoice('unreachable', options.unreachable, ['auto', 'status', 'close'])
  checkChoice('halfClose', options.halfClose, ['close', 'wait'])
  for (const [name, time] of Object.entries({ idleTimeout, totalTimeout })) checkTime(name, time)
  checkPositive('lingerTimeout', lingerTimeout)
  checkFunction('listen.authorize', listen.authorize)
  connectionSettings(socketOptions(options))
}

/** Refuses what could not be bridged with from here to there; `target` is undefined where tokens choose. @throws as above. */
export function checkEnds(options: BridgeOptions, source: Source, target: Target | undefined): void {
  checkSides(source, target)
  checkListenNames(options.listen ?? {}, source)
  checkConnect(options, target)
  if (target === undefined) checkTokens(options.to as TokenTargets)
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return
  throw new TypeError(`Invalid option ${name}: ${value} is none of ${choices.join(', ')}`)
}
