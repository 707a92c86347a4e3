import { createSocket } from 'node:dgram'
import { once } from 'node:events'

import type { MessageConnection, SocketError } from '@fairlead/core'
import * as udp from '@fairlead/udp'

import type { Broom } from '../broom.ts'
import { soon } from '../wait.ts'

/** What somebody heard, as text and from whom, and what he was told of trouble. */
export interface Heard {
  readonly texts: string[]
  readonly from: udp.IpAddress[]
  readonly told: SocketError[]
}

/** A socket on loopback that the broom knows of. */
export async function open(broom: Broom, options: udp.BindOptions = {}): Promise<udp.UdpSocket> {
  return broom.keep(await soon(udp.bind(options), 'it is bound'))
}

/** Has a socket hear, and note it. */
export function hear(socket: udp.UdpSocket): Heard {
  const heard: Heard = { texts: [], from: [], told: [] }
  socket.handle({
    onDatagram(data, from) {
      heard.texts.push(textOf(data))
      heard.from.push(from)
    },
    onTrouble: (error) => void heard.told.push(error),
  })
  return heard
}

/** A socket that hears. */
export async function listenIn(broom: Broom, options: udp.BindOptions = {}) {
  const socket = await open(broom, options)
  return { socket, port: socket.address.port, heard: hear(socket) }
}

/** Both ends of one conversation in text, and the listener in between. */
export async function meet(
  broom: Broom,
  serving: udp.ListenOptions = {},
  dialing: Partial<udp.ConnectOptions> = {},
) {
  const sessions: udp.UdpSession<string>[] = []
  const accept = (session: udp.UdpSession<string>): void => void sessions.push(session)
  const listener = broom.keep(await udp.listen({ ...serving, messages: 'text' }, accept))
  const { port } = listener.address
  const dial = async (): Promise<udp.UdpConnection<string>> =>
    broom.keep(await soon(udp.connect({ port, ...dialing, messages: 'text' }), 'it is connected'))
  return { listener, port, sessions, dial }
}

/** Says something at one end, which the other hears next. */
export async function pass(
  from: MessageConnection<string>,
  to: MessageConnection<string>,
  text: string,
): Promise<void> {
  from.write(text)
  const { value } = await soon(to[Symbol.asyncIterator]().next(), 'it is heard')
  if (value !== text) throw new Error(`heard ${JSON.stringify(value)}`)
}

/** The first datagrams of a reader, so many, in order of their texts: what overtakes on the way is no matter here. */
export async function collect(
  datagrams: AsyncIterable<{ data: Uint8Array }>,
  count: number,
): Promise<string[]> {
  const texts: string[] = []
  const reading = async (): Promise<void> => {
    for await (const { data } of datagrams) if (texts.push(textOf(data)) === count) break
  }
  await soon(reading(), 'all are read')
  return texts.toSorted()
}

/** A port at which nobody listens. */
export async function deafPort(): Promise<number> {
  const socket = createSocket('udp4')
  const listening = once(socket, 'listening')
  socket.bind(0, '127.0.0.1')
  await listening
  const { port } = socket.address()
  // Not before: Deno keeps the port until then.
  const closed = once(socket, 'close')
  socket.close()
  await closed
  return port
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString()
}

/** As many texts, all different. */
export function texts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index).padStart(5, '0'))
}
