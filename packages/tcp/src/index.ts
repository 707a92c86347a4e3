/**
 * Stream sockets: TCP, TLS and Unix sockets with one lifecycle, real back-pressure and half-close.
 *
 * @packageDocumentation
 */
export { type AddressList, addressMatcher } from './access-list.ts'
export type { Refusal } from './admission.ts'
export type { ConnectOptions } from './connect-options.ts'
export { connect } from './connect.ts'
export type { ConnectionOptions } from './connection-options.ts'
export { type InheritedDescriptor, listenFds } from './descriptor.ts'
export type { ListenOptions } from './listen-options.ts'
export { listen } from './listen.ts'
export type { ConnectionStats, ListenerStats, Prelude, StreamConnection, StreamListener } from './stream.ts'
export type { TlsIdentity } from './tls/identity.ts'
export type { TlsClientOptions, TlsServerOptions } from './tls/options.ts'
export { TlsSessions } from './tls/sessions.ts'
export { startTls, type StartTlsOptions } from './tls/start-tls.ts'
export type { Lookup } from './resolve.ts'
export type { Rate } from '@fairlead/core/transport'
