// Our errors in the words of undici, so far as it has one for them; ours is the cause. Its classes are its own.

import { createRequire } from 'node:module'
import { join } from 'node:path'

import { SocketError } from '../../../packages/core/dist/index.js'
import { RequestError } from '../../../packages/http/dist/index.js'

const require = createRequire(import.meta.url)
export const errors = require(join(process.env.FAIRLEAD_SUITE_FOLDER, 'lib/core/errors.js'))

/** What they have for `error`; it may be `error` itself. */
export function theirs(error) {
  if (error instanceof RequestError) return ofRequest(error)
  if (SocketError.is(error)) return caused(ofCode(error), error)
  const wrong = error instanceof TypeError || error instanceof RangeError
  if (!wrong || !/^(?:Invalid|Cannot encode)/.test(error.message)) return error
  return caused(new errors.InvalidArgumentError(error.message), error)
}

/** Something beneath that is none of ours, as of the system, or what the caller threw, is told as it is. */
function ofRequest(error) {
  const { deepest, own } = beneath(error)
  if (/^Cannot send body: it is (?:long|short)er/.test(deepest.message)) {
    return caused(new errors.RequestContentLengthMismatchError(), error)
  }
  if (own !== deepest && !isCodec(deepest)) return deepest
  return caused(ofCode(own, error.phase), error)
}

function beneath(error) {
  let own = error
  let deepest = error
  while (deepest.cause instanceof Error) {
    deepest = deepest.cause
    if (SocketError.is(deepest)) own = deepest
  }
  return { own, deepest }
}

const isCodec = (error) => error.name === 'CodecError' || String(error.code).startsWith('ERR_FAIRLEAD')

function ofCode({ code, message, limit }, phase) {
  if (code === 'ERR_FAIRLEAD_TIMEOUT') {
    if (phase === 'headers') return new errors.HeadersTimeoutError()
    return phase === 'body' ? new errors.BodyTimeoutError() : new errors.ConnectTimeoutError()
  }
  if (code === 'ERR_FAIRLEAD_LIMIT' && limit === 'maxBodySize')
    return new errors.ResponseExceededMaxSizeError()
  if (/TOO_LARGE|TOO_MANY/.test(code)) return new errors.HeadersOverflowError()
  if (code.startsWith('ERR_FAIRLEAD_HTTP')) return new errors.HTTPParserError(message, code)
  if (code === 'ERR_FAIRLEAD_CLOSED') {
    return /destroyed/.test(message) ? new errors.ClientDestroyedError() : new errors.ClientClosedError()
  }
  if (code === 'ERR_FAIRLEAD_BUSY') return new TypeError('unusable')
  return new errors.SocketError('other side closed')
}

function caused(error, cause) {
  error.cause = cause
  return error
}
