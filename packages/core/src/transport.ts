/**
 * What transports are built on: for authors of protocols, not for their users.
 *
 * @packageDocumentation
 */
export { AcceptQueue } from './accept-queue.ts'
export { admit } from './accept.ts'
export { ByteBuffer } from './byte-buffer.ts'
export { ChunkIterator } from './chunk-iterator.ts'
export { ConnectionBase, type ConnectionOwner } from './connection-base.ts'
export * from './defaults.ts'
export { Deadline } from './deadline.ts'
export { codeOf, reasonOf } from './errno.ts'
export { Framed } from './framing/framed.ts'
export type { Framing, MessageDecoder } from './framing/framing.ts'
export { Gate, ready, rejected } from './gate.ts'
export { HandlerSlot, type InnerHandler, type SlotHost } from './handler-slot.ts'
export { graceOf, Lifecycle, unlessAborted } from './lifecycle.ts'
export { ListenerBase } from './listener-base.ts'
