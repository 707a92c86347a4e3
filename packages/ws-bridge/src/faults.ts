import { type Address, BrokenError, LimitError, ProtocolError, type SocketError } from '@fairlead/core'

import { closeCodes } from './close-codes.ts'
import type { MeteredLimit } from './frame-meter.ts'
import type { ConnectionSettings } from './options.ts'

/** What a peer may have too much of; 1008, or 1009 for what was compressed too well. */
export type PeerLimit = 'messageRate' | 'pingRate' | MeteredLimit | 'compression.ratio'

/** How to refuse what a peer has sent, and what this side hears of it. */
export interface PeerFault {
  readonly code: number
  readonly text: string
  readonly error: SocketError
}

const attempt = 'Cannot read message: '

/** What the peer did wrong, from an error of `ws`, which has closed with the code for it. */
export function faultOf(error: Error, peer: Address, settings: ConnectionSettings): SocketError {
  const { code } = error as { code?: string }
  const common = { peer, cause: error }
  // The other one is for lengths that no number is exact for.
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' || code === 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH') {
    const { maxPayload: value } = settings
    return new LimitError(`${attempt}it exceeds maxPayload ${value}`, {
      limit: 'maxPayload',
      value,
      ...common,
    })
  }
  if (code === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') {
    const limit = error.message.includes('fragments') ? 'maxFragments' : 'maxBufferedChunks'
    const value = settings[limit]
    return new LimitError(`${attempt}it comes in more pieces than ${limit} ${value}`, {
      limit,
      value,
      ...common,
    })
  }
  return new ProtocolError(`${attempt}${error.message}`, { side: 'remote', ...common })
}

/** What is said of bytes that should be text (RFC 6455 section 8.1). */
export function garbled(peer: Address): PeerFault {
  const text = 'invalid UTF-8'
  const error = new ProtocolError(`${attempt}${text}`, { side: 'remote', peer })
  return { code: closeCodes.invalidPayload, text, error }
}

/** What is said of a limit that is counted here. */
export function tooMany(limit: PeerLimit, settings: ConnectionSettings, peer: Address): PeerFault {
  const { code, text, value } = {
    messageRate: () => ({ ...rate('messages', settings.messageRate), code: closeCodes.policyViolation }),
    pingRate: () => ({ ...rate('pings', settings.pingRate), code: closeCodes.policyViolation }),
    maxFragments: () => ({
      text: `more than ${settings.maxFragments} fragments`,
      value: settings.maxFragments,
      code: closeCodes.policyViolation,
    }),
    maxBufferedChunks: () => ({
      text: `more than ${settings.maxBufferedChunks} pieces`,
      value: settings.maxBufferedChunks,
      code: closeCodes.policyViolation,
    }),
    'compression.ratio': () => {
      const value = settings.compression?.ratio ?? 1
      return { text: `compressed more than ${value} times`, value, code: closeCodes.tooBig }
    },
  }[limit]()
  return { code, text, error: new LimitError(`${attempt}${text}`, { limit, value, peer }) }
}

function rate(what: string, given: { perSecond: number } | undefined): { text: string; value: number } {
  const value = given?.perSecond ?? 0
  return { text: `more than ${value} ${what} a second`, value }
}

/** What broke the socket. */
export function lostBy(error: Error, peer: Address): BrokenError {
  return new BrokenError(`Connection broken: ${error.message}`, { peer, cause: error })
}
