/**
 * The PROXY protocol, versions 1 and 2: how a proxy tells the server behind it who the client is. Sections named
 * here are those of HAProxy's `doc/proxy-protocol.txt`.
 *
 * @packageDocumentation
 */
export { acceptProxy, type AcceptProxyOptions, type ProxyFacts, proxyOf } from './proxy-protocol/accept.ts'
export { type DecodedHeader, ProxyHeaderDecoder, type ProxyHeaderLimits } from './proxy-protocol/decoder.ts'
export { detailsOf, type ProxyDetails, type ProxyTls, tlvsOf } from './proxy-protocol/details.ts'
export { encodeProxyHeader, type ProxyHeaderInit } from './proxy-protocol/encode.ts'
export type { ProxyHeader, Tlv } from './proxy-protocol/header.ts'
export { sendProxy } from './proxy-protocol/send.ts'
