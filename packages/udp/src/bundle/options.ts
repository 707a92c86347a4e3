import type { MessageConnection } from '@fairlead/core'
import { checkBoolean, checkOptions } from '@fairlead/core/transport'

import { largestDatagram } from '../address/size.ts'
import { defaultMaxMessageSize, type Messages } from '../options.ts'
import { headerSize } from './wire.ts'

/** What bundles are sent over: each message is a datagram, and `maxMessageSize`, if told, its largest size. */
export type DatagramCarrier = MessageConnection<Uint8Array> & { readonly maxMessageSize?: number }

/** Options of {@link bundle}. */
export interface BundleOptions {
  /** What a message is. Default `'binary'`. */
  messages?: Messages
  /** Bytes of the largest datagram. Default: the connection's `maxMessageSize`, or 1,200 if it has none. */
  maxDatagramSize?: number
  /**
   * Whether datagrams have a number, of four bytes, so that the peer drops those that come twice and counts those
   * that do not come. Default true. What comes is understood with and without.
   */
  sequence?: boolean
}

/** The options with their defaults; refuses what makes no sense. */
export function bundleSettings(carrier: DatagramCarrier, options: BundleOptions): Required<BundleOptions> {
  checkOptions('bundle', options)
  const { messages = 'binary', sequence = true } = options
  if (messages !== 'binary' && messages !== 'text') {
    throw new TypeError(`Invalid option messages: ${JSON.stringify(messages)} is neither 'binary' nor 'text'`)
  }
  checkBoolean('sequence', sequence)
  const { maxMessageSize } = carrier
  const { maxDatagramSize = maxMessageSize ?? defaultMaxMessageSize } = options
  const least = headerSize(sequence) + 2
  const most = maxMessageSize ?? largestDatagram[6]
  if (!Number.isInteger(maxDatagramSize) || maxDatagramSize < least || maxDatagramSize > most) {
    const range = `an integer from ${least} to ${most}, which the connection takes`
    throw new RangeError(`Invalid option maxDatagramSize: ${String(maxDatagramSize)} is not ${range}`)
  }
  return { messages, sequence, maxDatagramSize }
}
