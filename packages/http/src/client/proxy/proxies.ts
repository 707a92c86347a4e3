import type { ClientOptions, ProxyOf } from '../options.ts'
import { proxyFromEnvironment } from './environment.ts'
import { type HttpProxy, parseProxy } from './proxy.ts'

/** The proxy of each URL; one that is no good is refused at once, where it is known. @throws TypeError */
export function proxiesOf(proxy: ClientOptions['proxy']): ((url: URL) => HttpProxy | undefined) | undefined {
  if (proxy === undefined) return undefined
  if (proxy instanceof URL || (typeof proxy === 'string' && proxy !== 'environment')) {
    const parsed = parseProxy(proxy)
    return () => parsed
  }
  if (typeof proxy === 'function') return (url) => asProxy(proxy(url))
  if (proxy !== 'environment') throw new TypeError('Invalid option proxy: must be a URL or a function')
  const find = proxyFromEnvironment()
  const parsed = new WeakMap<URL, HttpProxy>()
  return (url) => {
    const found = find(url)
    if (found === undefined) return undefined
    const known = parsed.get(found) ?? parseProxy(found)
    parsed.set(found, known)
    return known
  }
}

function asProxy(found: ReturnType<ProxyOf>): HttpProxy | undefined {
  if (found === undefined) return undefined
  // Of a promise nobody would hear that it rejects.
  if ((found as unknown) instanceof Promise) (found as unknown as Promise<unknown>).catch(() => {})
  return parseProxy(found)
}
