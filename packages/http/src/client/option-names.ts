import type {
  ClientOptions,
  ConnectOptions,
  ConnectTimeouts,
  RequestOptions,
  SharedOptions,
} from './options.ts'

const ofBoth: Record<keyof SharedOptions, true> = {
  redirects: true,
  decode: true,
  retry: true,
  timeouts: true,
  unix: true,
}

/** What an interceptor was given can be asked of another client, too: its URL stands in it. */
const ofRequest: Record<keyof RequestOptions | 'url', true> = {
  ...ofBoth,
  method: true,
  headers: true,
  query: true,
  body: true,
  json: true,
  trailers: true,
  expectContinue: true,
  onUpload: true,
  onDownload: true,
  onInform: true,
  signal: true,
  url: true,
}

const ofClient: Record<keyof ClientOptions, true> = {
  ...ofBoth,
  base: true,
  headers: true,
  maxConnections: true,
  maxQueued: true,
  pipelining: true,
  idleTimeout: true,
  maxBodySize: true,
  limits: true,
  interceptors: true,
  proxy: true,
  tls: true,
  connect: true,
}

const ofConnect: Record<keyof ConnectOptions, true> = {
  proxy: true,
  tls: true,
  unix: true,
  timeouts: true,
  connect: true,
  signal: true,
}

const ofConnecting: Record<keyof ConnectTimeouts, true> = { dns: true, connect: true, tls: true, write: true }

/** @throws TypeError that names an option which there is not: one that is misspelt would do nothing. */
export function checkRequestNames(options: RequestOptions): void {
  refuseOthers(options, ofRequest)
}

/** @throws TypeError that names an option which there is not. */
export function checkClientNames(options: ClientOptions): void {
  refuseOthers(options, ofClient)
}

/** @throws TypeError that names an option, or a time, which there is not. */
export function checkConnectNames(options: ConnectOptions): void {
  refuseOthers(options, ofConnect)
  const { timeouts } = options
  if (typeof timeouts === 'object' && timeouts !== null) refuseOthers(timeouts, ofConnecting, 'timeouts.')
}

function refuseOthers(options: object, known: object, prefix = ''): void {
  for (const name in options) {
    // What somebody gave to all objects of the process is no option.
    if (Object.hasOwn(known, name) || !Object.hasOwn(options, name)) continue
    throw new TypeError(`Invalid option ${prefix}${name}: there is no such option`)
  }
}
