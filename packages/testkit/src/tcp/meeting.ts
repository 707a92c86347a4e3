import type { ByteConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import type { Broom } from '../broom.ts'
import { soon, until } from '../wait.ts'

/** Both ends of one conversation over TCP, and the listener in between. */
export interface Meeting {
  readonly listener: tcp.StreamListener
  readonly port: number
  readonly client: tcp.StreamConnection
  readonly server: tcp.StreamConnection
}

export function portOf({ address }: Pick<tcp.StreamListener, 'address'>): number {
  if (address.kind !== 'ip') throw new TypeError('not an IP listener')
  return address.port
}

/** A listener on loopback, everybody whom it has accepted, and its port. */
export async function open(
  broom: Broom,
  options: tcp.ListenOptions = {},
): Promise<{ listener: tcp.StreamListener; accepted: tcp.StreamConnection[]; port: number }> {
  const accepted: tcp.StreamConnection[] = []
  const listener = broom.keep(await tcp.listen(options, (connection) => void accepted.push(connection)))
  return { listener, accepted, port: portOf(listener) }
}

/** A connection that the broom knows of. */
export async function dial(broom: Broom, options: tcp.ConnectOptions): Promise<tcp.StreamConnection> {
  return broom.keep(await soon(tcp.connect(options), 'it is connected'))
}

/** Connects to where nobody is let in: that fails, or its connection ends. */
export async function turnedAway(broom: Broom, options: tcp.ConnectOptions): Promise<void> {
  const client = await soon(
    tcp.connect(options).catch(() => undefined),
    'it is answered',
  )
  if (!client) return
  broom.keep(client).handle({ onData() {} })
  await soon(client.closed, 'it is turned away')
}

/** One conversation on loopback. */
export async function meet(
  broom: Broom,
  serving: tcp.ListenOptions = {},
  dialing: tcp.ConnectOptions = {},
): Promise<Meeting> {
  const { listener, accepted, port } = await open(broom, serving)
  const client = await dial(broom, { port, ...dialing })
  await until(() => accepted.length > 0, 'the connection is accepted')
  return { listener, port, client, server: accepted[0] as tcp.StreamConnection }
}

/** Reads so many bytes, or all until the end, as Latin-1. */
export async function read(connection: ByteConnection, size = Infinity): Promise<string> {
  let text = ''
  const reading = async (): Promise<string> => {
    for await (const chunk of connection) {
      text += Buffer.from(chunk).toString('latin1')
      if (text.length >= size) break
    }
    return text
  }
  return soon(reading(), 'it is read')
}

/** Says something at each end, which arrives at the other. */
export async function converse(client: ByteConnection, server: ByteConnection): Promise<void> {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.write('ahoy')
    const heard = await read(to, 4)
    if (heard !== 'ahoy') throw new Error(`heard ${JSON.stringify(heard)}`)
  }
}
