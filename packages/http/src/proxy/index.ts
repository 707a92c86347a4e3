/**
 * A reverse proxy as a web-standard handler: streaming both ways, upgrades passed through, whom it may ask checked on the
 * address that is connected to.
 *
 * @packageDocumentation
 */
export { isPublic } from './connect.ts'
export type {
  ForwardedKind,
  ProxiedAnswer,
  ProxiedRequest,
  ProxyOptions,
  ProxyStats,
  TargetOf,
  TargetUrl,
} from './options.ts'
export { proxy, type ReverseProxy } from './proxy.ts'
