import {
  defaultIdleTimeout,
  defaultMaxAmplification,
  defaultMaxMessageSize,
  defaultMaxSessions,
  defaultMaxSessionsPerAddress,
  defaultMaxUnvalidatedDatagrams,
  defaultPeerQueue,
  defaultSendQueue,
  type SessionOptions,
} from '../options.ts'
import { queueOptions, type ReceiveQueueOptions, type SendQueueOptions } from '../queue/quota.ts'

/** {@link SessionOptions} with their defaults. */
export interface SessionSettings extends Required<SessionOptions> {
  readonly receiveQueue: Required<ReceiveQueueOptions>
  readonly sendQueue: Required<SendQueueOptions>
}

export function sessionSettings({
  messages = 'binary',
  maxMessageSize = defaultMaxMessageSize,
  maxSessions = defaultMaxSessions,
  maxSessionsPerAddress = defaultMaxSessionsPerAddress,
  idleTimeout = defaultIdleTimeout,
  validation = 'none',
  maxAmplification = defaultMaxAmplification,
  maxUnvalidatedDatagrams = defaultMaxUnvalidatedDatagrams,
  receiveQueue,
  sendQueue,
}: SessionOptions): SessionSettings {
  return {
    messages,
    maxMessageSize,
    maxSessions,
    maxSessionsPerAddress,
    idleTimeout,
    validation,
    maxAmplification,
    maxUnvalidatedDatagrams: maxAmplification === Infinity ? Infinity : maxUnvalidatedDatagrams,
    receiveQueue: queueOptions(defaultPeerQueue, receiveQueue),
    sendQueue: queueOptions(defaultSendQueue, sendQueue),
  }
}
