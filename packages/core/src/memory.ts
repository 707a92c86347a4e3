/**
 * Connections without sockets: pairs, listeners on names. Delivery is asynchronous, with back-pressure and
 * resets, as it is over a network.
 *
 * @packageDocumentation
 */
export {
  connect,
  connectBytes,
  listen,
  listenBytes,
  type MemoryConnectOptions,
  messagePair,
  pair,
} from './memory/memory.ts'
