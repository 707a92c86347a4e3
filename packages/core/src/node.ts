/**
 * Byte connections and Node's streams, either way round: adapters, made when asked for.
 *
 * @packageDocumentation
 */
export { fromDuplex, type FromDuplexOptions } from './adapters/from-duplex.ts'
export { toDuplex } from './adapters/to-duplex.ts'
