/**
 * Byte connections and web streams, either way round: adapters, made when asked for.
 *
 * @packageDocumentation
 */
export { fromWeb, type FromWebOptions } from './adapters/from-web.ts'
export type { Socket, SocketInfo } from './adapters/sockets-api.ts'
export { toWeb } from './adapters/to-web.ts'
