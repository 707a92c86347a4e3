import { bypassOf } from './bypass.ts'
import { parseProxy } from './proxy.ts'

/** Variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Which proxy a URL is asked through, as the environment says: `http_proxy` for http, `https_proxy` for https, and
 * `all_proxy` where there is none of its own, in capitals where there is none in lower case; for hosts that `no_proxy`
 * names, none. An empty variable is like none, and a proxy without a scheme is `http://`.
 *
 * Where `REQUEST_METHOD` is set this process may be a CGI program, and `HTTP_PROXY` a Proxy field of whoever asks:
 * it is not read then. The environment is read once, here; the URLs that are returned are always the same ones.
 *
 * @throws TypeError that names the variable, where a proxy that would be used is malformed.
 * @example
 * ```ts
 * // HTTPS_PROXY=http://proxy.example:3128 NO_PROXY=.local node program.js
 * const client = new Client({ proxy: 'environment' })
 * ```
 */
export function proxyFromEnvironment(env: Environment = process.env): (url: URL) => URL | undefined {
  const plain = read(env, ...plainNames(env), ...forAll)
  const secure = read(env, 'https_proxy', 'HTTPS_PROXY', ...forAll)
  const bypassed = bypassOf(valueOf(env, 'no_proxy', 'NO_PROXY')?.value ?? '')
  return (url) => {
    const proxy = url.protocol === 'https:' ? secure : url.protocol === 'http:' ? plain : undefined
    return proxy === undefined || bypassed(url) ? undefined : proxy
  }
}

/** Where a scheme has none of its own. A desktop's SOCKS proxy stands here beside an HTTP proxy for each. */
const forAll = ['all_proxy', 'ALL_PROXY']

interface Variable {
  readonly name: string
  readonly value: string
}

/** On Windows `http_proxy` is `HTTP_PROXY` by another name, but for the list of keys. */
function plainNames(env: Environment): string[] {
  if (!env['REQUEST_METHOD']) return ['http_proxy', 'HTTP_PROXY']
  return Object.keys(env).includes('http_proxy') ? ['http_proxy'] : []
}

function read(env: Environment, ...names: readonly string[]): URL | undefined {
  const variable = valueOf(env, ...names)
  if (variable === undefined) return undefined
  const { name, value } = variable
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`
  parseProxy(text, `environment variable ${name}`)
  return new URL(text)
}

/** The first of these variables that says anything. */
function valueOf(env: Environment, ...names: readonly string[]): Variable | undefined {
  for (const name of names) {
    const value = env[name]?.trim()
    if (value) return { name, value }
  }
  return undefined
}
