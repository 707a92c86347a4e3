/**
 * Messages over byte streams: each framing puts messages on a byte connection, and its `...Framing` twin does
 * the same without any connection.
 *
 * @packageDocumentation
 */
export { delimited, delimitedFraming, type DelimitedOptions } from './framing/delimited.ts'
export type { Encoded, Framing, MessageDecoder } from './framing/framing.ts'
export { jsonLineFraming, jsonLines, type JsonLinesOptions } from './framing/json-lines.ts'
export {
  lengthPrefixed,
  lengthPrefixedFraming,
  type LengthPrefixedOptions,
} from './framing/length-prefixed.ts'
export { lineFraming, lines, type LinesOptions } from './framing/lines.ts'
export { netstringFraming, netstrings, type NetstringsOptions } from './framing/netstrings.ts'
