// What undici exports, as far as there is something of ours for it.

import { fetch as fairlead, Headers, Request, Response } from '../../../packages/http/dist/index.js'
import { Agent, Client, Dispatcher, EnvHttpProxyAgent, Pool, ProxyAgent } from './dispatcher.mjs'
import { errors, theirs } from './errors.mjs'

let common

const getGlobalDispatcher = () => (common ??= new Agent())
const setGlobalDispatcher = (dispatcher) => {
  if (typeof dispatcher?.dispatch !== 'function')
    throw new errors.InvalidArgumentError('Argument agent must implement Agent')
  common = dispatcher
}

async function fetch(input, init) {
  const { dispatcher = common, ...rest } = init ?? {}
  try {
    const asked = init === undefined || init === null ? init : rest
    return await (dispatcher ? dispatcher.client.fetch(input, asked) : fairlead(input, asked))
  } catch (error) {
    if (error?.cause) error.cause = theirs(error.cause)
    throw error
  }
}

/** The functions: `(url, options, ...)`. */
function on(name) {
  return (url, options, ...rest) => {
    const callback = typeof options === 'function' ? options : undefined
    const whole = typeof url === 'object' && !(url instanceof URL) ? url : {}
    const said = (callback ? undefined : options) ?? whole ?? {}
    if (typeof said !== 'object') throw new errors.InvalidArgumentError('invalid opts')
    const { dispatcher = getGlobalDispatcher(), agent } = said
    if (agent) throw new errors.InvalidArgumentError('unsupported opts.agent. Did you mean opts.client?')
    const { origin, path } = placeOf(url, said.path)
    const method = said.method ?? (said.body ? 'PUT' : 'GET')
    return dispatcher[name]({ ...said, origin, path, method }, ...(callback ? [callback] : rest))
  }
}

function placeOf(url, path) {
  if (!url || (typeof url !== 'string' && typeof url !== 'object'))
    throw new errors.InvalidArgumentError('invalid url')
  if (path !== undefined && typeof path !== 'string')
    throw new errors.InvalidArgumentError('invalid opts.path')
  const text = typeof url === 'object' && !(url instanceof URL) ? textOf(url) : String(url)
  if (!URL.canParse(text))
    throw new errors.InvalidArgumentError(
      'Invalid URL protocol: the URL must start with `http:` or `https:`.',
    )
  const parsed = new URL(text)
  if (!/^https?:$/.test(parsed.protocol))
    throw new errors.InvalidArgumentError(
      'Invalid URL protocol: the URL must start with `http:` or `https:`.',
    )
  return {
    origin: parsed.origin,
    path: path === undefined ? parsed.pathname + parsed.search : path.replace(/^(?!\/)/, '/'),
  }
}

const textOf = ({ origin, protocol, hostname, port, path, pathname, search }) =>
  `${origin ?? `${protocol}//${hostname}:${port}`}${path ?? `${pathname ?? ''}${search ?? ''}`}`

/** There is none of it: a test that makes one fails, and says what for. */
const none = (name) =>
  function absent() {
    throw new errors.NotSupportedError(`There is no ${name} here`)
  }

const interceptor = (name) => () => {
  throw new errors.NotSupportedError(`There is no interceptor ${name} here`)
}

const absent = [
  'BalancedPool',
  'RoundRobinPool',
  'RetryAgent',
  'RetryHandler',
  'H2CClient',
  'MockAgent',
  'MockPool',
  'MockClient',
]

export const exports = {
  ...Object.fromEntries(absent.map((name) => [name, none(name)])),
  Dispatcher,
  Client,
  Pool,
  Agent,
  ProxyAgent,
  EnvHttpProxyAgent,
  errors,
  fetch,
  Headers,
  Request,
  Response,
  FormData,
  request: on('request'),
  stream: on('stream'),
  pipeline: on('pipeline'),
  upgrade: on('upgrade'),
  connect: on('connect'),
  getGlobalDispatcher,
  setGlobalDispatcher,
  interceptors: {
    ...Object.fromEntries(
      ['retry', 'dump', 'dns', 'cache', 'decompress', 'deduplicate', 'responseError'].map((name) => [
        name,
        interceptor(name),
      ]),
    ),
    redirect: ({ maxRedirections = 0 } = {}) => ({ redirects: maxRedirections }),
  },
}
