import { HttpProtocolError } from '../errors.ts'

/** What a client sent that nothing can be made of. `statusHint` is what to answer: 400, unless it is another one. */
export function refused(why: string, statusHint = 400): HttpProtocolError {
  return new HttpProtocolError(`Cannot read body: ${why}`, {
    side: 'remote',
    code: 'ERR_FAIRLEAD_HTTP_UPLOAD',
    statusHint,
    phase: 'body',
  })
}
