// What undici's clients and requests are told, in our words.

import { named } from './body.mjs'
import { errors } from './errors.mjs'

/** 0 is without a limit there. */
const time = (value) => (value === 0 ? Infinity : value)
const given = (object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
const orUndefined = (value) => (value === null ? undefined : value)

export function clientOptions(options = {}) {
  const { connect, tls, pipelining, maxHeaderSize, maxResponseSize, bodyTimeout, headersTimeout } = options
  if (typeof connect === 'function') throw new Error('A connect function of theirs makes sockets of node:net')
  const { timeout, rejectUnauthorized, ca, cert, key, servername, socketPath, session } = {
    ...tls,
    ...connect,
  }
  if (session) throw new Error('Ours keeps sessions itself')
  const secure = given({ verify: rejectUnauthorized, ca, cert, key, serverName: servername })
  const limits = given({ headBytes: maxHeaderSize })
  return given({
    idleTimeout: orUndefined(options.keepAliveTimeout),
    maxConnections: orUndefined(options.connections),
    pipelining: typeof pipelining === 'number' && pipelining > 0 ? pipelining : undefined,
    unix: options.socketPath ?? socketPath,
    maxBodySize: maxResponseSize === -1 ? undefined : orUndefined(maxResponseSize),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(Object.keys(secure).length > 0 && { tls: secure }),
    proxy: options.uri ?? options.proxy,
    timeouts: given({
      connect: time(orUndefined(options.connectTimeout ?? timeout)),
      headers: time(orUndefined(headersTimeout)),
      body: time(orUndefined(bodyTimeout)),
    }),
  })
}

export function requestOptions(options) {
  const { method, headers, body, reset, query, expectContinue, onInfo, redirects = 0 } = options
  const said = headersOf(headers)
  if (reset) said.push(['Connection', 'close'])
  return given({
    method,
    headers: said,
    query: query && searchOf(query),
    expectContinue: orUndefined(expectContinue),
    redirects,
    decode: false,
    body: bodyOf(body),
    signal: signalOf(options.signal),
    onInform:
      onInfo &&
      (({ status, headers: { raw } }) => onInfo({ statusCode: status, headers: named(raw, options) })),
    timeouts: given({
      headers: time(orUndefined(options.headersTimeout)),
      body: time(orUndefined(options.bodyTimeout)),
    }),
  })
}

/** A record, name and value in turn, or pairs. */
function headersOf(headers) {
  if (headers === undefined || headers === null) return []
  if (typeof headers !== 'object')
    throw new errors.InvalidArgumentError('headers must be an object or an array')
  if (!(Symbol.iterator in headers)) return Object.entries(headers).flatMap(linesOf)
  const list = [...headers]
  if (list.every((it) => Array.isArray(it) && it.length === 2)) return list.flatMap(linesOf)
  if (list.length % 2 === 1) throw new errors.InvalidArgumentError('headers array must be even')
  return list.flatMap((name, at) => (at % 2 === 0 ? linesOf([name, list[at + 1]]) : []))
}

function linesOf([name, value]) {
  if (value === undefined) return []
  if (Array.isArray(value)) return value.flatMap((it) => linesOf([name, it ?? '']))
  if (typeof value === 'object' && value !== null) {
    throw new errors.InvalidArgumentError(`invalid ${name} header`)
  }
  return [[name, value === null ? '' : typeof value === 'function' ? value : String(value)]]
}

/** An iterable that does not wait is none of ours. */
function bodyOf(body) {
  if (typeof body !== 'object' || body === null || typeof body === 'string') return body ?? undefined
  const waits = Symbol.asyncIterator in body
  if (
    waits ||
    !(Symbol.iterator in body) ||
    ArrayBuffer.isView(body) ||
    /Form|Params/.test(body.constructor?.name)
  ) {
    return body
  }
  return (async function* () {
    yield* body
  })()
}

function searchOf(query) {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) search.append(name, one ?? '')
  }
  return search
}

/** An emitter may be a signal there, and so may anything that looks like a signal. */
function signalOf(signal) {
  if (signal === undefined || signal === null || signal instanceof AbortSignal) return signal ?? undefined
  const listen = signal.addEventListener ?? signal.on
  if (typeof listen !== 'function') return signal
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason ?? new errors.RequestAbortedError())
  if (signal.aborted) abort()
  listen.call(signal, 'abort', abort)
  return controller.signal
}
