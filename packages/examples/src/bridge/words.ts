import type { EndCause, RefusalCause } from '@fairlead/ws-bridge'

import { reasonOf } from '../reason.ts'

const ends: Readonly<Record<EndCause, string>> = {
  from: 'the client ended it',
  to: 'the target ended it',
  fromBroken: 'the client broke off',
  toBroken: 'the target broke off',
  idle: 'silent for too long',
  total: 'it took too long',
  shutdown: 'the bridge was stopped',
  destroyed: 'it was cut',
}

const refusals: Readonly<Record<RefusalCause, string>> = {
  handshake: 'it was no handshake of a WebSocket',
  path: 'there is nothing at this path',
  origin: 'a page from elsewhere, or another name',
  protocol: 'it asked for another subprotocol',
  authorize: 'it may not',
  limit: 'there are too many',
  closing: 'the bridge is being stopped',
  token: 'there is no such token',
  policy: 'its target is not allowed',
  unreachable: 'the target cannot be reached',
  timeout: 'the target did not answer in time',
  failed: 'something went wrong',
  gone: 'the client left before',
}

/** Why a connection is over, in words. */
export function wordsOfEnd(cause: EndCause): string {
  return ends[cause]
}

/** Why a client was led nowhere, in words; `error` is what was in the way, if anything was. */
export function wordsOfRefusal(cause: RefusalCause, error: unknown): string {
  return error === undefined ? refusals[cause] : `${refusals[cause]}: ${reasonOf(error)}`
}
