export { type Bridge, bridge } from './bridge.ts'
export type { Crossing, EndCause, Flow } from './crossing.ts'
export { bridgeChannels, type BridgeDiagnosticEvents } from './diagnostics.ts'
export type {
  BridgeConnectOptions,
  BridgeListenOptions,
  BridgeOptions,
  BridgeServer,
  TargetOf,
  TokenTargets,
} from './options.ts'
export type { RefusalCause } from './refusals.ts'
export type { BridgeStats, DatagramDrops } from './stats.ts'
