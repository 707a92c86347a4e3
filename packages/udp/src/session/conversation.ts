import type { Address } from '@fairlead/core'

import { largestTo } from '../address/size.ts'
import type { Opened } from '../carrier.ts'
import {
  type ConnectOptions,
  defaultConnectTimeout,
  defaultMaxMessageSize,
  defaultPeerQueue,
  defaultSendQueue,
  type MessageOptions,
} from '../options.ts'
import { Outlet } from '../queue/outlet.ts'
import { queueOptions } from '../queue/quota.ts'
import type { Counters } from '../stats.ts'
import { codecOf } from './codec.ts'
import { ConnectedConnection } from './connection.ts'

/** Options of a conversation with one peer, whatever carries it. */
export interface ConversationOptions
  extends MessageOptions, Pick<ConnectOptions, 'sendQueue' | 'validation' | 'connectTimeout' | 'signal'> {}

/**
 * A conversation over a carrier that is connected, known to the listener if that validates by cookie; `spent` are
 * the milliseconds that it took so far. See {@link ConnectedConnection.introduce} for what goes wrong.
 */
export async function converse<M, A extends Address>(
  { socket, address, peer }: Required<Opened<A>>,
  options: ConversationOptions,
  counters: Counters,
  spent: number,
): Promise<ConnectedConnection<M, A>> {
  const { maxMessageSize = defaultMaxMessageSize, connectTimeout = defaultConnectTimeout } = options
  const { sender } = peer
  const setup = {
    socket,
    counters,
    sender,
    localAddress: address,
    outlet: new Outlet(socket, queueOptions(defaultSendQueue, options.sendQueue), counters),
    codec: codecOf<M>(options.messages),
    receiveQueue: queueOptions(defaultPeerQueue, options.receiveQueue),
  }
  const connection = new ConnectedConnection<M, A>(setup, {
    remoteAddress: peer.address,
    maxMessageSize: Math.min(maxMessageSize, largestTo(sender.address)),
    port: sender.port,
  })
  if (options.validation === 'cookie') await connection.introduce(connectTimeout, spent, options.signal)
  return connection
}
