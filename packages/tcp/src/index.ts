/**
 * Stream sockets: TCP and Unix sockets with one lifecycle, real back-pressure and half-close.
 *
 * @packageDocumentation
 */
export { connect } from './connect.ts'
export { listen } from './listen.ts'
export type { ConnectOptions, ListenOptions } from './options.ts'
