import type { Feature } from '../check.ts'
import { bridgeFeatures } from './bridges.ts'
import { broadcastFeatures } from './broadcasts.ts'
import { clientFeatures } from './clients.ts'
import { conversationFeatures } from './conversations.ts'
import { handshakeFeatures } from './handshakes.ts'
import { limitFeatures } from './limits.ts'
import { streamFeatures } from './streams.ts'
import { tunnelFeatures } from './tunnels.ts'

/** What WebSockets and bridges do beyond the contract, and what each runtime may do in its own way. */
export const webSocketFeatures: Readonly<Record<string, readonly Feature[]>> = {
  'WebSocket handshakes': handshakeFeatures,
  'WebSocket conversations': conversationFeatures,
  'WebSocket limits': limitFeatures,
  'WebSocket broadcasts': broadcastFeatures,
  'WebSocket clients': clientFeatures,
  'WebSocket streams': streamFeatures,
  'WebSocket bridges': bridgeFeatures,
  'connect-udp': tunnelFeatures,
}
