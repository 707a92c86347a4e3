/**
 * The sessions and connections of this package over a datagram network in memory, which loses, repeats and
 * reorders as much as a test wants: for trying out what is built on datagrams, without sockets.
 *
 * @packageDocumentation
 */
export { connect, listen, type MemoryConnectOptions, type MemoryListenOptions } from './memory/memory.ts'
