import assert from 'node:assert/strict'

import type { CloseReason, MessageConnection } from '@fairlead/core'
import * as websocket from '@fairlead/ws-bridge'

import type { Broom } from '../broom.ts'
import { type WireClient, wire } from '../http/meeting.ts'
import { portOf } from '../tcp/meeting.ts'
import { soon, until } from '../wait.ts'

type Both = string | Uint8Array
export type Connection = websocket.WebSocketConnection
type Serving = websocket.WebSocketListenOptions<'both'>
type Dialing = websocket.WebSocketConnectOptions<'both'>

/** A listener on loopback, and everybody whom it has accepted. */
export interface Waiting {
  readonly listener: websocket.WebSocketServer<Both>
  readonly accepted: Connection[]
  readonly port: number
  readonly url: string
}

/** Listens for both kinds of messages. */
export async function open(broom: Broom, serving: Serving = {}): Promise<Waiting> {
  const accepted: Connection[] = []
  const options = { ...serving, messages: 'both' } as const
  const listening = websocket.listen<'both'>(options, (connection) => void accepted.push(connection))
  const listener = broom.keep(await soon(listening, 'it listens'))
  const port = listener.address.kind === 'ip' ? portOf(listener) : 0
  const url = `${serving.tls ? 'wss' : 'ws'}://127.0.0.1:${port}/`
  return { listener, accepted, port, url }
}

/** A client of both kinds of messages. */
export async function dial(broom: Broom, url: string, dialing: Dialing = {}): Promise<Connection> {
  const options = { ...dialing, messages: 'both' } as const
  return broom.keep(await soon(websocket.connect<'both'>(url, options), 'it is connected'))
}

/** Both ends of one conversation, untouched, and the listener in between. */
export async function meet(broom: Broom, serving: Serving = {}, dialing: Dialing = {}) {
  const waiting = await open(broom, serving)
  const client = await dial(broom, waiting.url, dialing)
  await until(() => waiting.accepted.length > 0, 'the connection is accepted')
  return { ...waiting, client, server: waiting.accepted[0] as Connection }
}

/** Bytes that came and went, frames and all, as diagnostics tell them. */
export function carried(connection: Connection): { bytesIn: number; bytesOut: number } {
  const { bytesIn, bytesOut } = connection as unknown as { bytesIn: number; bytesOut: number }
  return { bytesIn, bytesOut }
}

/** Has a connection hear, and notes it; bytes as Latin-1. */
export function hear(connection: MessageConnection<string> | MessageConnection<Uint8Array> | Connection) {
  const texts: string[] = []
  const onData = (message: Both): void =>
    void texts.push(typeof message === 'string' ? message : Buffer.from(message).toString('latin1'))
  ;(connection as Connection).handle({ onData })
  return texts
}

/** Sends everything back, each message when there is room. */
export async function echo(connection: Connection): Promise<void> {
  for await (const message of connection) await connection.send(message)
}

/** Says something at one end, and waits until it comes back to the other, which nobody else reads. */
export async function ask(connection: Connection, message: Both): Promise<void> {
  await connection.send(message)
  const reading = async (): Promise<Both | undefined> => {
    for await (const answer of connection) return answer
    return undefined
  }
  const answer = await soon(reading(), 'it comes back')
  assert.equal(typeof answer, typeof message)
  assert.ok(Buffer.from(message as string).equals(Buffer.from(answer as string)))
}

/** The reason why a connection closed, with the error's limit or name where it is one. */
export async function endOf({ closed }: { readonly closed: Promise<CloseReason> }) {
  const reason = await soon(closed, 'it is closed')
  if (reason.kind !== 'error') return reason
  const { name, limit } = reason.error as Error & { limit?: string }
  return { kind: reason.kind, ...(limit === undefined ? { name } : { limit }) }
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** A frame as a client sends it, masked with nothing at all. */
export function frame(opcode: number, payload: string | Uint8Array = '', fin = true): Buffer {
  const body = Buffer.from(payload as string)
  const { length } = body
  const size = length < 126 ? [128 | length] : [254, length >> 8, length & 255]
  return Buffer.concat([Buffer.of((fin ? 128 : 0) | opcode, ...size, 0, 0, 0, 0), body])
}

/** A message of text in so many frames. */
export function fragments(count: number): Buffer {
  const { text, continuation } = opcodes
  const frames = Array.from({ length: count }, (_, at) =>
    frame(at === 0 ? text : continuation, 'x', at === count - 1),
  )
  return Buffer.concat(frames)
}

/** A handshake for the address that everybody on loopback may ask for. */
function handshake(...fields: string[]): string {
  return handshakeFor('/', 'Host: localhost', ...fields)
}

export function handshakeFor(target: string, ...fields: string[]): string {
  const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13']
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  return [`GET ${target} HTTP/1.1`, ...upgrade, key, ...fields, '', ''].join('\r\n')
}

/** A client that writes frames as they stand, behind its handshake. */
export async function wireUp(broom: Broom, waiting: Waiting, ...fields: string[]): Promise<RawSocket> {
  const client = await wire(broom, waiting)
  client.write(handshake(...fields))
  await client.heard('\r\n\r\n')
  await until(() => waiting.accepted.length > 0, 'the connection is accepted')
  return new RawSocket(client, waiting.accepted.at(-1) as Connection)
}

interface Frame {
  readonly opcode: number
  /** As Latin-1; of a Close frame what follows its code. */
  readonly text: string
  readonly code?: number
}

/** That client, and the connection that faces it. */
export class RawSocket {
  readonly wire: WireClient
  readonly server: Connection
  readonly #frames: Frame[] = []
  /** Where the next frame begins. */
  #at = 0

  constructor(client: WireClient, server: Connection) {
    this.wire = client
    this.server = server
  }

  write(...frames: readonly Uint8Array[]): void {
    for (const each of frames) this.wire.connection.write(each)
  }

  /** The frames that have come, whole. */
  get frames(): readonly Frame[] {
    const { text } = this.wire
    if (this.#at === 0) this.#at = text.indexOf('\r\n\r\n') + 4
    const at = (index: number): number => text.charCodeAt(this.#at + index)
    while (this.#at + 2 <= text.length) {
      assert.ok(at(1) < 127, 'a frame that no check sends')
      const start = this.#at + (at(1) === 126 ? 4 : 2)
      const end = start + (at(1) === 126 ? at(2) * 256 + at(3) : at(1))
      if (!(end <= text.length)) break
      const opcode = at(0) & 15
      const coded = opcode === opcodes.close && end - start >= 2
      const code = coded && { code: at(2) * 256 + at(3) }
      this.#frames.push({ opcode, text: text.slice(coded ? start + 2 : start, end), ...code })
      this.#at = end
    }
    return this.#frames
  }

  /** Resolves with the code of the server's Close frame, and answers it. */
  async farewell(): Promise<number | undefined> {
    const closing = (): Frame | undefined => this.frames.find(({ opcode }) => opcode === opcodes.close)
    await until(() => closing() !== undefined || this.wire.ended, 'it says goodbye')
    const code = closing()?.code
    if (code !== undefined && !this.wire.ended) {
      this.write(frame(opcodes.close, Buffer.of(code >> 8, code & 255)))
    }
    return code
  }
}
