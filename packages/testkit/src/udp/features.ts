import type { Feature } from '../check.ts'
import { connectionFeatures } from './connections.ts'
import { groupFeatures } from './groups.ts'
import { protocolFeatures } from './protocols.ts'
import { queueFeatures } from './queues.ts'
import { refusalFeatures } from './refusals.ts'
import { sessionFeatures } from './sessions.ts'
import { socketFeatures } from './sockets.ts'

/** What datagram sockets do beyond the contract, and what each runtime may do in its own way. */
export const datagramFeatures: Readonly<Record<string, readonly Feature[]>> = {
  'datagram sockets': socketFeatures,
  'datagram queues': queueFeatures,
  'datagram refusals': refusalFeatures,
  'datagram connections': connectionFeatures,
  'datagram groups': groupFeatures,
  'datagram sessions': sessionFeatures,
  'datagram protocols': protocolFeatures,
}
