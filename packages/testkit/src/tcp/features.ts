import type { Feature } from '../check.ts'
import { connectingFeatures } from './connecting.ts'
import { joiningFeatures } from './joining.ts'
import { listeningFeatures } from './listening.ts'
import { proxyFeatures } from './proxy-protocol.ts'
import { tlsFeatures } from './tls.ts'

/** What stream sockets do beyond the contract, and what each runtime may do in its own way. */
export const streamFeatures: Readonly<Record<string, readonly Feature[]>> = {
  TLS: tlsFeatures,
  'PROXY protocol': proxyFeatures,
  'stream connecting': connectingFeatures,
  'stream joining': joiningFeatures,
  'stream listening': listeningFeatures,
}
