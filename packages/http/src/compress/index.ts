/**
 * Content codings around a handler: answers are compressed, and the bodies of requests are decoded within limits.
 *
 * @packageDocumentation
 */
export type { SentCoding } from '../coding/negotiation.ts'
export { compress } from './compress.ts'
export { decompress } from './decompress.ts'
export type { WrappedHandler } from './handlers.ts'
export type { CompressOptions, DecompressOptions } from './options.ts'
