import type { Duplex } from 'node:stream'

import type { ByteConnection } from '@fairlead/core'
import * as http from '@fairlead/http'
import { lend, type LendOptions } from '@fairlead/tcp/node'

import { WsConnection } from '../connection.ts'
import type { MessageKind } from '../messages.ts'
import { meterFor } from './meter.ts'
import type { ClientSettings } from './options.ts'
import { shakeHands } from './shake-hands.ts'

/** Makes one attempt. @throws as `connect` does, but for wrong options. */
export async function openWebSocket<K extends MessageKind>(
  { target, opening, connecting }: ClientSettings,
  signal: AbortSignal | undefined,
): Promise<WsConnection<K>> {
  const under = await http.connect(target.url, signal ? { ...connecting, signal } : connecting)
  let connection: WsConnection<K> | undefined
  const socket = lendOrDestroy(under, { onClose: (reason) => connection?.undercut(reason) })
  connection = await shakeHands(opening, socket, signal, (ws) => {
    const meter = meterFor(opening.settings, ws.extensions !== '')
    return new WsConnection<K>({ ws, socket, ends: under, role: 'client', meter }, opening.settings)
  })
  return connection
}

/** Nobody else holds the connection any more. */
function lendOrDestroy(connection: ByteConnection, options: LendOptions): Duplex {
  try {
    return lend(connection, options)
  } catch (error) {
    connection.destroy(error as Error)
    throw error
  }
}
