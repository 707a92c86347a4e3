import {
  checkBoolean,
  checkFunction,
  checkOptions,
  checkPositive,
  checkSignal,
} from '@fairlead/core/transport'

import { literalOf } from './address/literal.ts'
import { isName } from './address/resolve.ts'
import { largestDatagram } from './address/size.ts'
import { checkTraffic } from './opening/socket-options.ts'
import {
  type BindOptions,
  type ConnectOptions,
  defaultHost,
  type ListenOptions,
  type MessageOptions,
  type SocketOptions,
} from './options.ts'
import type { QueueLimits } from './queue/quota.ts'

type AnyOptions = Partial<BindOptions & ListenOptions & ConnectOptions>

/** Refuses options of a call that could only fail later, or mean something else than their author thinks. */
export function checkSocketOptions(call: keyof typeof foreign, options: AnyOptions, lowestPort: 0 | 1): void {
  checkOptions(call, options)
  for (const name of foreign[call]) {
    if (options[name] !== undefined) throw new TypeError(`Invalid option ${name}: ${call} has none`)
  }
  const { port = 0, host = defaultHost, messages = 'binary', maxMessageSize } = options
  if (!Number.isInteger(port) || port < lowestPort || port > 65_535) {
    throw new RangeError(`Invalid option port: ${String(port)} is not an integer from ${lowestPort} to 65535`)
  }
  if (typeof host !== 'string' || !(literalOf(host) || isName(host))) {
    throw new TypeError(`Invalid option host: ${JSON.stringify(host)} is neither an address nor a name`)
  }
  if (options.zone !== undefined && literalOf(`${host}%${options.zone}`)?.zone !== options.zone) {
    throw new TypeError(
      `Invalid option zone: ${JSON.stringify(host)} does not take ${JSON.stringify(options.zone)}`,
    )
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
  checkValidation(options)
  for (const name of ['reuseAddr', 'reusePort', 'ipv6Only'] as const) checkBoolean(name, options[name])
  checkFunction('lookup', options.lookup)
  checkSignal(options.signal)
  checkTraffic(options)
  checkQueue('sendQueue', options.sendQueue, ['drop-newest', 'drop-oldest', 'block', 'close'])
  checkQueue('receiveQueue', options.receiveQueue, ['drop-newest', 'drop-oldest'])
}

/** What another call takes, and this one would pass over in silence. */
const foreign = {
  bind: [
    'messages',
    'maxMessageSize',
    'maxSessions',
    'maxSessionsPerAddress',
    'idleTimeout',
    'validation',
    'maxAmplification',
    'maxUnvalidatedDatagrams',
    'connectTimeout',
  ],
  listen: ['connectTimeout'],
  connect: [
    'reuseAddr',
    'reusePort',
    'ipv6Only',
    'broadcast',
    'multicastTtl',
    'multicastLoopback',
    'multicastInterface',
    'maxSessions',
    'maxSessionsPerAddress',
    'idleTimeout',
    'maxAmplification',
    'maxUnvalidatedDatagrams',
  ],
} as const satisfies Record<string, readonly (keyof AnyOptions)[]>

const counts = [
  'maxMessageSize',
  'maxSessions',
  'maxSessionsPerAddress',
  'idleTimeout',
  'connectTimeout',
] as const satisfies (keyof (SocketOptions & MessageOptions & ListenOptions & ConnectOptions))[]

function checkValidation(options: AnyOptions): void {
  const { validation = 'none', maxAmplification = 1, maxUnvalidatedDatagrams } = options
  if (validation !== 'none' && validation !== 'cookie') {
    throw new TypeError(
      `Invalid option validation: ${JSON.stringify(validation)} is neither 'none' nor 'cookie'`,
    )
  }
  if (typeof maxAmplification !== 'number' || !(maxAmplification >= 1)) {
    throw new RangeError(
      `Invalid option maxAmplification: ${String(maxAmplification)} is not a factor of at least 1`,
    )
  }
  checkPositive('maxUnvalidatedDatagrams', maxUnvalidatedDatagrams)
}

function checkQueue(
  name: string,
  limits: (QueueLimits & { policy?: string }) | undefined,
  policies: readonly string[],
): void {
  if (limits === undefined) return
  if (typeof limits !== 'object' || limits === null || Array.isArray(limits)) {
    throw new TypeError(`Invalid option ${name}: must be an object with datagrams and bytes`)
  }
  checkPositive(`${name}.datagrams`, limits.datagrams)
  checkPositive(`${name}.bytes`, limits.bytes)
  const { policy } = limits
  if (policy === undefined || policies.includes(policy)) return
  throw new TypeError(
    `Invalid option ${name}.policy: ${JSON.stringify(policy)} is none of ${policies.join(', ')}`,
  )
}
