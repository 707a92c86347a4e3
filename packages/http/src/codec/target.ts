import { CodecError } from './errors.ts'
import { parseHost } from './host.ts'
import { TARGET, consistsOf } from './tokens.ts'

/** The four forms of a request target (RFC 9112 section 3.2). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk'

export interface Target {
  readonly form: TargetForm
  /** Host and port that the target itself names; undefined where the Host field has the word. */
  readonly authority: string | undefined
}

const ORIGIN: Target = Object.freeze({ form: 'origin', authority: undefined })
const ASTERISK: Target = Object.freeze({ form: 'asterisk', authority: undefined })

/** `scheme "://" authority`, the rest after it; absolute URIs without an authority name nothing to ask. */
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]*)/

/**
 * Which of the four forms `target` has, given that only CONNECT takes the authority form (and no other) and only
 * OPTIONS the asterisk. What comes after the authority is kept as sent: it is for one reader only, the router.
 *
 * @throws CodecError TARGET
 */
export function parseTarget(method: string, target: string): Target {
  if (!consistsOf(TARGET, target)) throw refusal('it holds a character that a URI cannot')
  if (method === 'CONNECT') return authorityForm(target)
  if (target.startsWith('/')) return ORIGIN
  if (target === '*') {
    if (method === 'OPTIONS') return ASTERISK
    throw refusal('only OPTIONS can be asked of *')
  }
  const authority = ABSOLUTE.exec(target)?.[2]
  if (authority === undefined) throw refusal('it has none of the four forms')
  if (!parseHost(authority)?.host) throw refusal('its authority is not a host')
  return { form: 'absolute', authority }
}

/** `uri-host ":" port`, both there (RFC 9112 section 3.2.3). */
function authorityForm(target: string): Target {
  const parsed = parseHost(target)
  if (!parsed?.host || !Number(parsed.port)) throw refusal('CONNECT takes a host and a port')
  return { form: 'authority', authority: target }
}

function refusal(why: string): CodecError {
  return new CodecError('TARGET', `the request target is invalid: ${why}`)
}
