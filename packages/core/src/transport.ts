/**
 * What transports are built on: for authors of protocols, not for their users.
 *
 * @packageDocumentation
 */
export { AcceptQueue } from './accept-queue.ts'
export { admit } from './accept.ts'
export { ByteBuffer } from './byte-buffer.ts'
export { ByteReader, type ByteReaderOptions, type ReadOptions, type ReadUntilOptions } from './byte-reader.ts'
export { checkBoolean, checkFunction, checkOptions, checkPositive, checkSignal, checkTime } from './checks.ts'
export { ChunkIterator } from './chunk-iterator.ts'
export { ConnectionBase, type ConnectionOwner, type Traffic } from './connection-base.ts'
export * from './defaults.ts'
export { type Clock, Deadline, type DeadlineOwner, tick } from './deadline.ts'
export { channels, diagnosticChannel, type DiagnosticChannel } from './diagnostics.ts'
export { codeOf, reasonOf } from './errno.ts'
export { Fifo } from './fifo.ts'
export { Framed } from './framing/framed.ts'
export type { Encoded, Framing, MessageDecoder } from './framing/framing.ts'
export { Gate, guarded, ready, rejected } from './gate.ts'
export { HandlerSlot, type InnerHandler, type SlotHost } from './handler-slot.ts'
export { Layer } from './layer.ts'
export { graceOf, Lifecycle, unlessAborted } from './lifecycle.ts'
export { ListenerBase } from './listener-base.ts'
export { checkRate, type Rate, TokenBucket } from './token-bucket.ts'
