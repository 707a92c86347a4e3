import { checkBoolean, checkFunction, checkOptions, checkSignal, checkTime } from '@fairlead/core/transport'

import { type CodecLimits, defaultLimits } from '../codec/index.ts'
import { checkRequestNames } from './option-names.ts'
import type {
  ClientOptions,
  RequestOptions,
  RequestTimeouts,
  ResponseLimits,
  SharedOptions,
} from './options.ts'

/** The times of a request, all of them told. */
export type Times = Required<RequestTimeouts>

const defaultTimes: Times = {
  dns: 5_000,
  connect: 10_000,
  tls: 10_000,
  write: 60_000,
  headers: 300_000,
  body: 300_000,
  total: Infinity,
}

/** What holds for one request, whoever said so. */
export interface Shared {
  readonly redirects: number
  readonly decode: boolean
  readonly retry: boolean
  readonly times: Times
  readonly unix: string | undefined
}

const defaults: Shared = { redirects: 10, decode: true, retry: true, times: defaultTimes, unix: undefined }

/** What a request says of itself, else its client. @throws TypeError or RangeError that names the option. */
export function sharedOf(options: SharedOptions, before: Shared = defaults): Shared {
  const { redirects, decode, retry, timeouts, unix } = options
  if ((redirects ?? decode ?? retry ?? timeouts ?? unix) === undefined) return before
  checkCount('redirects', redirects)
  checkBoolean('decode', decode)
  checkBoolean('retry', retry)
  if (unix !== undefined && (typeof unix !== 'string' || unix === '')) {
    throw new TypeError('Invalid option unix: must be the path of a socket')
  }
  return {
    redirects: redirects ?? before.redirects,
    decode: decode ?? before.decode,
    retry: retry ?? before.retry,
    times: timeouts === undefined ? before.times : timesOf(timeouts, before.times),
    unix: unix ?? before.unix,
  }
}

/** The limits of a client. */
export interface Limits {
  readonly codec: CodecLimits
  readonly contentCodings: number
  readonly expansion: number
}

/** @throws TypeError or RangeError that names the option. */
export function limitsOf({ limits = {}, maxBodySize = Infinity }: ClientOptions): Limits {
  checkOptions('limits', limits)
  checkCount('maxBodySize', maxBodySize, Infinity)
  const { contentCodings = 3, expansion = 250, ...given } = limits
  checkCount('limits.contentCodings', contentCodings)
  checkCount('limits.expansion', expansion, Infinity)
  for (const [name, value] of Object.entries(given)) {
    if (!(name in known)) throw new TypeError(`Invalid option limits.${name}: there is no such limit`)
    checkCount(`limits.${name}`, value, Infinity)
  }
  return { codec: { ...defaultLimits, ...given, bodyBytes: maxBodySize }, contentCodings, expansion }
}

const known: Record<Exclude<keyof ResponseLimits, 'contentCodings' | 'expansion'>, true> = {
  headBytes: true,
  fieldCount: true,
  chunkExtensionBytes: true,
  chunkExtensionsBytes: true,
  trailerBytes: true,
  interimResponses: true,
}

/** Refuses, by name, what a request could not be made with; what needs its URL or body is looked at later. */
export function checkRequest(options: RequestOptions): void {
  checkOptions('request', options)
  checkRequestNames(options)
  const { body, json, signal, expectContinue, query, trailers, onUpload, onDownload, onInform } = options
  if (body !== undefined && body !== null && json !== undefined) {
    throw new TypeError('Invalid option json: cannot stand beside body')
  }
  checkSignal(signal)
  checkFunction('trailers', trailers)
  checkFunction('onUpload', onUpload)
  checkFunction('onDownload', onDownload)
  checkFunction('onInform', onInform)
  if (typeof expectContinue === 'number') checkTime('expectContinue', expectContinue)
  else checkBoolean('expectContinue', expectContinue)
  if (query !== undefined) checkOptions('query', query)
}

/** Refuses what is no count from 0 up to `most`. */
export function checkCount(name: string, value: number | undefined, most = Number.MAX_SAFE_INTEGER): void {
  if (value === undefined || (value >= 0 && value <= most && (Number.isInteger(value) || value === Infinity)))
    return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not a whole number from 0 up`)
}

function timesOf(timeouts: RequestTimeouts, before: Times): Times {
  checkOptions('timeouts', timeouts)
  const times: Record<keyof Times, number> = { ...before }
  for (const [name, value] of Object.entries(timeouts) as [keyof Times, number | undefined][]) {
    if (!(name in defaultTimes))
      throw new TypeError(`Invalid option timeouts.${name}: there is no such phase`)
    checkTime(`timeouts.${name}`, value)
    if (value !== undefined) times[name] = value
  }
  return times
}
