import { checkPositive } from '@fairlead/core/transport'

import {
  type BindOptions,
  type ConnectOptions,
  defaultHost,
  type ListenOptions,
  type MessageOptions,
  type SocketOptions,
} from './options.ts'
import type { QueueLimits } from './quota.ts'
import { largestDatagram } from './size.ts'

type AnyOptions = Partial<BindOptions & ListenOptions & ConnectOptions>

/** Refuses options that could only fail later, or mean something else than their author thinks. */
export function checkOptions(options: AnyOptions, lowestPort: 0 | 1): void {
  const { port = 0, host = defaultHost, messages = 'binary', maxMessageSize } = options
  if (!Number.isInteger(port) || port < lowestPort || port > 65_535) {
    throw new RangeError(`Invalid option port: ${String(port)} is not an integer from ${lowestPort} to 65535`)
  }
  if (typeof host !== 'string' || host === '') {
    throw new TypeError('Invalid option host: must be an address or a name')
  }
  if (messages !== 'binary' && messages !== 'text') {
    throw new TypeError(`Invalid option messages: ${JSON.stringify(messages)} is neither 'binary' nor 'text'`)
  }
  for (const name of counts) checkPositive(name, options[name])
  if (maxMessageSize !== undefined && maxMessageSize > largestDatagram[6]) {
    throw new RangeError(
      `Invalid option maxMessageSize: a datagram holds at most ${largestDatagram[6]} bytes`,
    )
  }
  checkQueue('sendQueue', options.sendQueue)
  checkQueue('receiveQueue', options.receiveQueue)
}

const counts = [
  'recvBufferSize',
  'maxMessageSize',
  'maxSessions',
  'maxSessionsPerAddress',
  'idleTimeout',
  'connectTimeout',
] as const satisfies (keyof (SocketOptions & MessageOptions & ListenOptions & ConnectOptions))[]

function checkQueue(name: string, limits: QueueLimits | undefined): void {
  if (limits === undefined) return
  if (typeof limits !== 'object' || limits === null) {
    throw new TypeError(`Invalid option ${name}: must be an object with datagrams and bytes`)
  }
  checkPositive(`${name}.datagrams`, limits.datagrams)
  checkPositive(`${name}.bytes`, limits.bytes)
}
