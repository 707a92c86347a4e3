import { HttpProtocolError } from '../errors.ts'

/** A redirect that is not followed, and why. Never the Location itself, where secrets may be. */
export function redirectError(
  why: string,
  { code = 'ERR_FAIRLEAD_HTTP_REDIRECT', side = 'remote' }: { code?: string; side?: 'local' | 'remote' } = {},
): HttpProtocolError {
  return new HttpProtocolError(`Cannot follow redirect: ${why}`, {
    side,
    code,
    statusHint: 502,
    phase: 'headers',
  })
}
