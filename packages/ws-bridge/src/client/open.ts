import type { Duplex } from 'node:stream'

import type { ByteConnection } from '@fairlead/core'
import * as http from '@fairlead/http'
import { lend } from '@fairlead/tcp/node'

import { WsConnection } from '../connection.ts'
import { meterFor } from '../frame-meter.ts'
import { Loan } from '../loan.ts'
import type { MessageKind } from '../messages.ts'
import type { ClientSettings } from './options.ts'
import { shakeHands } from './shake-hands.ts'

/** Makes one attempt. @throws as `connect` does, but for wrong options. */
export async function openWebSocket<K extends MessageKind>(
  { target, opening, connecting }: ClientSettings,
  signal: AbortSignal | undefined,
): Promise<WsConnection<K>> {
  const under = await http.connect(target.url, signal ? { ...connecting, signal } : connecting)
  const loan = new Loan()
  const socket = lendOrDestroy(under, loan)
  return shakeHands(opening, socket, signal, (ws) => {
    const meter = meterFor(opening.settings)
    return new WsConnection<K>({ ws, socket, ends: under, loan, role: 'client', meter }, opening.settings)
  })
}

/** Nobody else holds the connection any more. */
function lendOrDestroy(connection: ByteConnection, loan: Loan): Duplex {
  try {
    return lend(connection, loan)
  } catch (error) {
    connection.destroy(error as Error)
    throw error
  }
}
