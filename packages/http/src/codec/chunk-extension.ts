import { CodecError } from './errors.ts'
import { CR, SEMICOLON, TEXT, TOKEN, isBlank } from './tokens.ts'

const EQUALS = 0x3d
const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Where a reader of chunk extensions stands (RFC 9112 section 7.1.1). Blanks are allowed around `;` and `=`,
 * never before the end of the line.
 *
 *     begin ─tchar─> name ─blank─> named
 *     name, named ─ = ─> equals          equals ─tchar─> value, ─ " ─> quoted
 *     quoted ─ \ ─> escaped ─any─> quoted ─ " ─> complete
 *     value, complete ─blank─> valued
 *     name, named, value, complete, valued ─ ; ─> begin
 *     name, value, complete ─CR─> end
 */
export type ExtensionState =
  | 'begin'
  | 'name'
  | 'named'
  | 'equals'
  | 'value'
  | 'quoted'
  | 'escaped'
  | 'complete'
  | 'valued'
  | 'end'

/** The state after `byte`; a chunk's extensions begin behind their first semicolon. @throws CodecError */
export function extensionAfter(state: ExtensionState, byte: number): ExtensionState {
  if (byte === CR) {
    if (state === 'name' || state === 'value' || state === 'complete') return 'end'
    throw malformed('it is not complete')
  }
  if (TEXT[byte] !== 1) throw malformed('it holds a control character')
  switch (state) {
    case 'quoted':
      if (byte === BACKSLASH) return 'escaped'
      return byte === QUOTE ? 'complete' : 'quoted'
    case 'escaped':
      return 'quoted'
    case 'begin':
    case 'equals':
      if (isBlank(byte)) return state
      if (TOKEN[byte] === 1) return state === 'begin' ? 'name' : 'value'
      if (byte === QUOTE && state === 'equals') return 'quoted'
      break
    default:
      if (byte === SEMICOLON) return 'begin'
      if (byte === EQUALS && (state === 'name' || state === 'named')) return 'equals'
      if (isBlank(byte)) return state === 'name' || state === 'named' ? 'named' : 'valued'
      if (TOKEN[byte] === 1 && (state === 'name' || state === 'value')) return state
  }
  throw malformed('it is no name, nor a name and a value')
}

function malformed(why: string): CodecError {
  return new CodecError('CHUNK_EXTENSION', `a chunk extension is malformed: ${why}`)
}
