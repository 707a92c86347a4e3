/**
 * Files as web-standard responses: a folder, or one file, with conditions, ranges, codings and listings.
 *
 * @packageDocumentation
 */
export { file } from './file.ts'
export { listingResponse } from './listing/answer.ts'
export type { Entry, Listing } from './listing/listing.ts'
export type {
  DotfilePolicy,
  FileOptions,
  MemoryOptions,
  Precompressed,
  ServeFilesOptions,
  SymlinkPolicy,
} from './options.ts'
export { type FilesHandler, serveFiles } from './serve-files.ts'
