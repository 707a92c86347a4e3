import type { CloseReason } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'

import { gate, portOf } from './harness.ts'
import { handshake, Raw } from './raw.ts'

type Options<K extends websocket.MessageKind> = Partial<websocket.WebSocketListenOptions<K>>

/** What a test does with the connection that it gets; without it, the connection is left as it is born. */
type Meeting<K extends websocket.MessageKind> = Parameters<typeof websocket.listen<K>>[1]

/** A listener, one connection of it, and the raw peer at its other end. */
export async function meetRaw<K extends websocket.MessageKind = 'text'>(
  options: Options<K> = {},
  accept: Meeting<K> = () => ({ onData() {} }),
  fields: Record<string, string | undefined> = {},
) {
  type Connection = websocket.WebSocketConnection<websocket.MessageOf<K>>
  const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
  const { promise, open } = gate<Connection>()
  const given: websocket.WebSocketListenOptions<K> = { ...options, server }
  const listener = await websocket.listen<K>(given, (connection) => {
    open(connection)
    return accept(connection)
  })
  const raw = await Raw.connect(portOf(server), { end: false })
  raw.write(handshake('/', fields))
  const head = await raw.head()
  const connection = await promise
  const reasons: CloseReason[] = []
  void connection.closed.then((reason) => reasons.push(reason))
  return { server, listener, raw, head: head.text, connection, reasons }
}
