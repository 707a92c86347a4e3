import type { Connection, Listener, MessageConnection } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'

/** The port that the system chose. */
export function portOf(listener: { readonly address: Listener<unknown, unknown>['address'] }): number {
  if (listener.address.kind !== 'ip') throw new TypeError('not an IP listener')
  return listener.address.port
}

export function urlOf(listener: Parameters<typeof portOf>[0], path = '/'): string {
  return `ws://127.0.0.1:${portOf(listener)}${path}`
}

export async function echo<M>(connection: MessageConnection<M>): Promise<void> {
  for await (const message of connection) await connection.send(message)
}

/** An HTTP listener that answers 404, a WebSocket listener on it, and both ends of one conversation. */
export async function meet<K extends websocket.MessageKind = 'text'>(
  options: Partial<websocket.WebSocketListenOptions<K>> = {},
  others: websocket.WebSocketConnectOptions<K> = {},
) {
  const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
  const { promise, open } = gate<websocket.WebSocketConnection<websocket.MessageOf<K>>>()
  const given = { ...options, server } as websocket.WebSocketListenOptions<K>
  const listener = await websocket.listen<K>(given, (connection) => open(connection))
  const { messages, maxPayload } = given
  const client = await websocket.connect<K>(urlOf(server), {
    ...(messages ? { messages } : {}),
    ...(maxPayload ? { maxPayload: maxPayload * 2 } : {}),
    ...others,
  })
  return { server, listener, client, peer: await promise, url: urlOf(server) }
}

/** Reads `count` messages, or to the end. */
export async function read<M>(connection: Connection<M>, count = Infinity): Promise<M[]> {
  const messages: M[] = []
  if (count === 0) return messages
  for await (const message of connection) {
    messages.push(message)
    if (messages.length === count) break
  }
  return messages
}

/** So many turns that whatever was under way between two ends on this machine has arrived, or never will. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 60; turns++) await new Promise((resolve) => setImmediate(resolve))
}

export const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Waits for what is true before long. */
export async function until(condition: () => boolean, patience = 5_000): Promise<void> {
  for (const end = performance.now() + patience; !condition(); await wait(2)) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${String(condition)}`)
  }
}

/** A promise that a test resolves. */
export function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let open: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => (open = resolve))
  return { promise, open }
}
