// What undici calls a dispatcher, on a Client of ours.

import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Duplex, PassThrough, pipeline } from 'node:stream'

import { toDuplex } from '../../../packages/core/dist/node.js'
import { Client as Fairlead } from '../../../packages/http/dist/index.js'
import { clientChannels } from '../../../packages/http/dist/index.js'
import { Body, fieldsOf, named } from './body.mjs'
import { errors, theirs } from './errors.mjs'
import { clientOptions, requestOptions } from './options.mjs'

const require = createRequire(import.meta.url)
const { kConnect, kUrl } = require(join(process.env.FAIRLEAD_SUITE_FOLDER, 'lib/core/symbols.js'))
const { InvalidArgumentError, InvalidReturnValueError, NotSupportedError } = errors

/** Milliseconds that `close` waits, which theirs does for ever: a test that failed would keep all others waiting. */
const patience = 2_000

export class Dispatcher extends EventEmitter {
  /** Ours. */
  client
  origin
  closed = false
  destroyed = false
  #options
  #reason

  constructor(origin, options) {
    super()
    if (options !== undefined && (typeof options !== 'object' || options === null)) {
      throw new InvalidArgumentError('invalid options')
    }
    this.#options = options
    this.origin = origin === undefined ? undefined : originOf(origin)
    if (this.origin) this[kUrl] = new URL(this.origin)
    this.client = attempt(() => new Fairlead(clientOptions(options)))
    open.add(this)
  }

  get pipelining() {
    return this.#options?.pipelining ?? 1
  }

  get stats() {
    return this.client.stats()
  }

  /** Ours connects when there is something to be sent. */
  [kConnect](callback) {
    process.nextTick(callback, null)
  }

  request(options, callback) {
    return answer(callback, options, async () => {
      const { response, trailers } = await this.#ask(options)
      const { opaque, highWaterMark } = options
      return {
        statusCode: response.status,
        statusText: response.reason,
        headers: named(response.headers.raw, options),
        trailers,
        opaque,
        body: new Body(response, trailers, highWaterMark),
        context: { history: [...response.redirects, response.url].map((it) => new URL(it)) },
      }
    })
  }

  stream(options, factory, callback) {
    return answer(callback, options, async () => {
      if (typeof factory !== 'function') throw new InvalidArgumentError('invalid factory')
      const { response, trailers } = await this.#ask(options)
      const { opaque } = options
      const headers = named(response.headers.raw, options)
      const context = { history: [...response.redirects, response.url].map((it) => new URL(it)) }
      const target = trying(response, () =>
        factory({ statusCode: response.status, headers, opaque, context }),
      )
      if (!['write', 'end', 'on'].every((name) => typeof target?.[name] === 'function')) {
        response.discard()
        throw new InvalidReturnValueError('expected Writable')
      }
      const body = new Body(response, trailers)
      await new Promise((resolve, reject) => {
        pipeline(body, target, (error) => (error ? reject(error) : resolve()))
      })
      return { opaque, trailers }
    })
  }

  pipeline(options, handler) {
    if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('invalid opts')
    if (typeof handler !== 'function') throw new InvalidArgumentError('invalid handler')
    const { method = 'POST', opaque, signal, ...rest } = options
    if (method === 'CONNECT') throw new InvalidArgumentError('invalid method')
    const input = new PassThrough()
    const output = new PassThrough()
    const duplex = Duplex.from({ writable: input, readable: output })
    const ask = {
      ...rest,
      signal,
      opaque,
      method,
      body: method === 'GET' || method === 'HEAD' ? null : input,
    }
    this.request(ask).then(
      ({ statusCode, headers, body, context }) => {
        try {
          const made = handler({ statusCode, headers, opaque, body, context })
          if (typeof made?.on !== 'function') throw new InvalidReturnValueError('expected Readable')
          pipeline(made, output, (error) => error && duplex.destroy(error))
        } catch (error) {
          body.on('error', () => {}).destroy()
          duplex.destroy(error)
        }
      },
      (error) => duplex.destroy(error),
    )
    return duplex
  }

  upgrade(options, callback) {
    return answer(callback, options, async () => {
      const { method, headers, signal, timeouts } = requestOptions(options)
      const protocol = options.protocol ?? 'Websocket'
      const { response, connection, head } = await this.client.upgrade(this.#urlOf(options), {
        ...(method && { method }),
        headers,
        protocol,
        ...(signal && { signal }),
        timeouts,
      })
      if (!connection) {
        response.discard()
        throw new errors.SocketError('bad upgrade')
      }
      const socket = toDuplex(connection)
      if (head.byteLength > 0) socket.unshift(head)
      return { headers: fieldsOf(response.headers.raw), socket, opaque: options.opaque }
    })
  }

  connect(options, callback) {
    return answer(callback, options, () => {
      throw new NotSupportedError('Tunnels are the affair of the option proxy')
    })
  }

  dispatch() {
    throw new NotSupportedError('There are no handlers below request')
  }

  compose(...given) {
    const interceptors = given.flat()
    for (const interceptor of interceptors) {
      if (typeof interceptor?.redirects !== 'number') throw new NotSupportedError('An interceptor of theirs')
    }
    return withRedirects(this, interceptors.at(-1).redirects)
  }

  close(callback) {
    if (callback === undefined) return this.#close()
    this.#close().then(
      () => process.nextTick(callback, null, null),
      (error) => process.nextTick(callback, error, null),
    )
  }

  destroy(error, callback) {
    if (typeof error === 'function') return this.destroy(null, error)
    if (!this.destroyed) {
      this.destroyed = true
      this.#reason = error ?? new errors.ClientDestroyedError()
      this.client.destroy(this.#reason)
    }
    const over = this.client.closed.then(() => open.delete(this) && null)
    if (callback === undefined) return over
    over.then(() => process.nextTick(callback, null, null))
  }

  async #close() {
    if (this.destroyed) throw new errors.ClientDestroyedError()
    if (this.closed) throw new errors.ClientClosedError()
    this.closed = true
    await this.client.close({ grace: patience })
    this.destroyed = true
    open.delete(this)
    return null
  }

  async #ask(options) {
    if (this.destroyed) throw this.#reason ?? new errors.ClientDestroyedError()
    if (this.closed) throw new errors.ClientClosedError()
    const trailers = {}
    const response = await this.client.request(this.#urlOf(options), requestOptions(options))
    return { response, trailers }
  }

  #urlOf({ origin = this.origin, path }) {
    if (origin === undefined || origin === '')
      throw new InvalidArgumentError('opts.origin must be a non-empty string or URL.')
    if (typeof path !== 'string') throw new InvalidArgumentError('path must be a string')
    if (/^https?:/.test(path)) return path
    if (!path.startsWith('/'))
      throw new InvalidArgumentError('path must be an absolute URL or start with a slash')
    return originOf(origin) + path
  }
}

export class Client extends Dispatcher {
  constructor(origin, options) {
    super(origin, { ...options, connections: 1 })
  }
}

export class Pool extends Dispatcher {}

export class Agent extends Dispatcher {
  constructor(options) {
    super(undefined, options)
  }
}

export class ProxyAgent extends Dispatcher {
  constructor(options) {
    const { uri, token, auth, requestTls, ...rest } =
      typeof options === 'string' || options instanceof URL ? { uri: options } : options
    if (!uri) throw new InvalidArgumentError('Proxy uri is mandatory')
    if (token || auth) throw new NotSupportedError('Credentials of a proxy stand in its URL')
    super(undefined, { ...rest, uri: String(uri), connect: requestTls })
  }
}

export class EnvHttpProxyAgent extends Dispatcher {
  constructor(options) {
    super(undefined, { ...options, proxy: 'environment' })
  }
}

/** The same dispatcher, of which each request follows redirects. */
function withRedirects(dispatcher, redirects) {
  return new Proxy(dispatcher, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (!['request', 'stream', 'pipeline'].includes(name)) return value.bind(target)
      return (options, ...rest) => {
        const said = typeof options === 'object' && options !== null
        return value.call(
          target,
          said ? { redirects: options.maxRedirections ?? redirects, ...options } : options,
          ...rest,
        )
      }
    },
  })
}

function originOf(origin) {
  if (typeof origin === 'string' && URL.canParse(origin) && /^https?:/.test(origin))
    return new URL(origin).origin
  if (origin instanceof URL) return origin.origin
  if (typeof origin === 'object' && origin !== null) {
    const { protocol, hostname, host, port, origin: whole } = origin
    const text = whole ?? `${protocol}//${hostname ?? host}${port ? `:${port}` : ''}`
    if (URL.canParse(text)) return new URL(text).origin
  }
  throw new InvalidArgumentError('Invalid URL')
}

/** Calls back, or promises. */
function answer(callback, options, ask) {
  if (callback !== undefined && typeof callback !== 'function')
    throw new InvalidArgumentError('invalid callback')
  const asked = (async () => {
    if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('invalid opts')
    return ask()
  })().catch((error) => {
    throw theirs(error)
  })
  if (callback === undefined) return asked
  asked.then(
    (value) => process.nextTick(callback, null, value),
    (error) => process.nextTick(callback, error, { opaque: options?.opaque }),
  )
}

function attempt(make) {
  try {
    return make()
  } catch (error) {
    throw theirs(error)
  }
}

function trying(response, call) {
  try {
    return call()
  } catch (error) {
    response.discard()
    throw error
  }
}

/** Those that may hear of connections: which one's a connection is, only its origin tells. */
const open = new Set()

clientChannels.connect.subscribe(({ origin, connection }) => {
  const url = new URL(origin)
  for (const one of listening(origin)) one.emit('connect', url, [one])
  void connection.closed.then((reason) => {
    const error = reason.kind === 'error' ? theirs(reason.error) : new errors.SocketError('other side closed')
    for (const one of listening(origin)) one.emit('disconnect', url, [one], error)
  })
})

clientChannels.refuse.subscribe(({ origin, error }) => {
  for (const one of listening(origin)) one.emit('connectionError', new URL(origin), [one], theirs(error))
})

function listening(origin) {
  return [...open].filter((one) => one.origin === undefined || one.origin === new URL(origin).origin)
}
