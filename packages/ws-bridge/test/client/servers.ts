import { createHash } from 'node:crypto'

import type { ByteConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import type * as websocket from '@fairlead/ws-bridge'

import { portOf } from '../harness.ts'
import { ca, localhost } from './certificates.ts'

/** What is under a WebSocket: how a server listens, and how a client comes to it. */
export const ways = [
  { name: 'TCP', scheme: 'ws', listening: {}, connecting: {} },
  { name: 'TLS', scheme: 'wss', listening: { tls: localhost }, connecting: { tls: { ca } } },
] as const

export type Way = (typeof ways)[number]

export function urlBy({ scheme }: Way, listener: Parameters<typeof portOf>[0], path = '/'): string {
  return `${scheme}://localhost:${portOf(listener)}${path}`
}

/** A server that answers a handshake with what `answer` makes of it. */
export function answering(
  answer: (request: string, connection: ByteConnection) => void,
  { listening }: Pick<Way, 'listening'> = ways[0],
): Promise<tcp.StreamListener> {
  return tcp.listen({ port: 0, ...listening }, (connection) => {
    let request = ''
    return {
      onData(chunk) {
        if (request.endsWith('\r\n\r\n')) return
        request += Buffer.from(chunk).toString('latin1')
        if (request.endsWith('\r\n\r\n')) answer(request, connection)
      },
    }
  })
}

/** A server that never says anything. */
export function silent({ listening }: Pick<Way, 'listening'> = ways[0]): Promise<tcp.StreamListener> {
  return tcp.listen({ port: 0, ...listening }, () => ({ onData() {} }))
}

/** What the key in a request wants to hear. */
export function acceptOf(request: string): string {
  const key = /sec-websocket-key: (.*)\r\n/i.exec(request)?.[1] ?? ''
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** The 101 for the key in a request. */
export function accepting(request: string, ...more: string[]): string {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(request)}`,
  ]
  return [...lines, ...more, '', ''].join('\r\n')
}

/** What a promise rejects with. */
export async function failureOf<E = Error & Record<string, unknown>>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise
  } catch (error) {
    return error as E
  }
  throw new Error('it did not fail')
}

/** One message there and back. */
export async function talk(
  connection: websocket.WebSocketConnection<string>,
  text = 'ahoy',
): Promise<string> {
  await connection.send(text)
  for await (const message of connection) return message
  throw new Error('it ended')
}
