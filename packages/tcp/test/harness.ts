import type { ByteConnection, Listener } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

/** The port that the system chose. */
export function portOf(listener: Pick<Listener<ByteConnection>, 'address'>): number {
  if (listener.address.kind !== 'ip') throw new TypeError('not an IP listener')
  return listener.address.port
}

/** A listener on loopback, and one conversation with it, seen from both sides. */
export async function meet(): Promise<{
  listener: tcp.StreamListener
  client: tcp.StreamConnection
  server: tcp.StreamConnection
}> {
  const listener = await tcp.listen({ port: 0 })
  const client = await tcp.connect({ port: portOf(listener) })
  for await (const server of listener) return { listener, client, server }
  throw new Error('nobody came')
}

/** Reads until the peer ends. */
export async function textOf(connection: ByteConnection): Promise<string> {
  let text = ''
  for await (const chunk of connection) text += Buffer.from(chunk).toString()
  return text
}
