import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

import type { Listener, MessageConnection, SocketError } from '@fairlead/core'

/** Waits for something that has no event, one turn of the event loop after the other. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUp = performance.now() + 15_000
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`Never came true: ${condition.toString()}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A bare socket of the runtime. */
export async function bare(port = 0): Promise<Socket & AsyncDisposable> {
  const socket = createSocket('udp4')
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  const dispose = (): Promise<void> => new Promise((resolve) => socket.close(() => resolve()))
  return Object.assign(socket, { [Symbol.asyncDispose]: dispose })
}

/** A port at which nobody listens. */
export async function deafPort(): Promise<number> {
  await using socket = await bare()
  return socket.address().port
}

/** An `onTrouble` and what it was told. */
export function troubles(): {
  told: SocketError[]
  onTrouble(error: SocketError): void
  first: Promise<SocketError>
} {
  const told: SocketError[] = []
  let resolve: (error: SocketError) => void
  const first = new Promise<SocketError>((it) => (resolve = it))
  return {
    told,
    first,
    onTrouble(error) {
      told.push(error)
      resolve(error)
    },
  }
}

/** Says something, and gives the first answer. */
export async function ask(
  connection: MessageConnection<string>,
  message: string,
): Promise<string | undefined> {
  await connection.send(message)
  for await (const answer of connection) return answer
  return undefined
}

/** The next one that a listener has. */
export async function next<C>(listener: Listener<C>): Promise<C> {
  for await (const connection of listener) return connection
  throw new Error('The listener was closed')
}
