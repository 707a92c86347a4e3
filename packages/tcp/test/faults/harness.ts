import { once } from 'node:events'
import { connect as open, type Socket } from 'node:net'
import { connect as secure } from 'node:tls'

import * as tcp from '@fairlead/tcp'
import { expect } from 'vitest'

import { portOf } from '../harness.ts'
import { a, ca } from '../tls/certificates.ts'
import { next } from '../tls/harness.ts'

/** How two ends of this machine talk: what a listener and `connect` are told. */
export interface Way {
  readonly way: 'tcp' | 'tls'
  readonly listening: Partial<tcp.ListenOptions>
  readonly connecting: Partial<tcp.ConnectOptions>
}

export const ways: readonly Way[] = [
  { way: 'tcp', listening: {}, connecting: {} },
  { way: 'tls', listening: { tls: a }, connecting: { tls: { ca } } },
]

/** A listener and one conversation with it, seen from both sides. */
export async function meet({ listening, connecting }: Way, options: Partial<tcp.ListenOptions> = {}) {
  const listener = await tcp.listen({ port: 0, ...listening, ...options })
  const port = portOf(listener)
  const [client, server] = await Promise.all([tcp.connect({ port, ...connecting }), next(listener)])
  return {
    listener,
    port,
    client,
    server,
    [Symbol.asyncDispose]: () => listener.close({ grace: 0 }),
  }
}

/** A listener, and one conversation with a bare socket of the runtime. */
export async function meetBare({ way, listening }: Way, options: Partial<tcp.ListenOptions> = {}) {
  const listener = await tcp.listen({ port: 0, ...listening, ...options })
  const [peer, server] = await Promise.all([bare(way, portOf(listener)), next(listener)])
  return {
    listener,
    peer,
    server,
    async [Symbol.asyncDispose]() {
      peer.destroy()
      await listener.close({ grace: 0 })
    },
  }
}

/** A socket of the runtime that sends each write at once. */
export async function bare(way: Way['way'], port: number): Promise<Socket> {
  const options = { port, host: '127.0.0.1', noDelay: true }
  const socket = way === 'tls' ? secure({ ...options, ca }) : open(options)
  socket.on('error', () => {})
  await once(socket, way === 'tls' ? 'secureConnect' : 'connect')
  return socket
}

/** Says something, and hears it back. */
export async function echoed(connection: tcp.StreamConnection, text: string): Promise<string> {
  connection.write(text)
  let heard = ''
  for await (const chunk of connection) {
    heard += Buffer.from(chunk).toString()
    if (heard.length >= text.length) break
  }
  return heard
}

export const echo = (connection: tcp.StreamConnection) => ({
  onData: (chunk: Uint8Array) => void connection.write(chunk),
})

/** Waits until a count that has begun to grow stays as it is. */
export async function still(count: () => number): Promise<void> {
  let last = 0
  let looks = 0
  await expect
    .poll(
      () => {
        const now = count()
        looks = now > 0 && now === last ? looks + 1 : 0
        last = now
        return looks
      },
      { interval: 20 },
    )
    .toBe(5)
}
