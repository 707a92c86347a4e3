/**
 * Connections without sockets: pairs, listeners on names. Delivery is asynchronous, with back-pressure and
 * resets, as it is over a network. And a network of datagrams, as bad as a test wants it.
 *
 * @packageDocumentation
 */
export type { MemoryAddress, MemoryDatagramSocket } from './memory/datagram-socket.ts'
export { type DatagramConditions, DatagramNetwork, type DatagramStats } from './memory/datagrams.ts'
export {
  connect,
  connectBytes,
  listen,
  listenBytes,
  type MemoryConnectOptions,
  messagePair,
  pair,
} from './memory/memory.ts'
