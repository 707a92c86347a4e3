import { type Listener, type MessageConnection, parseEndpoint } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as udp from '@fairlead/udp'
import * as websocket from '@fairlead/ws-bridge'

import { contentLengthText, lengthPrefixedText } from './framing.ts'

type Converse = (connection: MessageConnection<string>) => void
type Listen = (port: number, converse: Converse) => Promise<Listener<unknown>>

/** How calls are waited for, on this machine. */
export const transports = {
  ws: (port, converse) => websocket.listen({ port }, converse),
  tcp: (port, converse) => tcp.listen({ port }, (stream) => converse(lengthPrefixedText(stream))),
  // Without a cookie, an answer could be no more than three times as long as the call.
  udp: (port, converse) => udp.listen({ port, messages: 'text', validation: 'cookie' }, converse),
  lsp: (port, converse) => tcp.listen({ port }, (stream) => converse(contentLengthText(stream))),
} satisfies Record<string, Listen>

export type TransportName = keyof typeof transports

/** Connects to `ws://`, `wss://`, `tcp://` or `udp://`; to `lsp` through no URL. */
export async function connect(url: string, signal: AbortSignal): Promise<MessageConnection<string>> {
  const to = parseEndpoint(url)
  if (to.scheme === 'ws' || to.scheme === 'wss') return websocket.connect(url, { signal })
  if (to.scheme === 'tcp')
    return lengthPrefixedText(await tcp.connect({ host: to.host, port: to.port, signal }))
  if (to.scheme === 'udp')
    return udp.connect({ host: to.host, port: to.port, messages: 'text', validation: 'cookie', signal })
  throw new TypeError(`Cannot connect to ${url}: only ws, wss, tcp and udp are spoken here`)
}
