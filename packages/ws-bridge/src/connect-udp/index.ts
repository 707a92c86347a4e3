/**
 * Proxying UDP in HTTP (RFC 9298) over HTTP/1.1: a proxy on an HTTP listener, and clients of such proxies.
 *
 * @packageDocumentation
 */
export { RefusedError } from '../client/refused-error.ts'
export type { ConnectUdpOptions } from './client-options.ts'
export { connectUdp } from './connect-udp.ts'
export type { ProxiedUdpConnection, ProxiedUdpStats } from './connection.ts'
export type { TunnelRequest, UdpProxyOptions } from './options.ts'
export type { UdpProxy } from './proxy.ts'
export { proxyUdp } from './proxy-udp.ts'
export type { RefusalCause } from './refusal.ts'
export type { TunnelEnd, UdpProxyStats } from './stats.ts'
export type { Target } from './target.ts'
