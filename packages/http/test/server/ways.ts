import type { ByteConnection } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'

import { type HttpListener, type HttpListenOptions, listen, type OnExchange, serve } from '../../src/index.ts'
import type { FetchHandler } from '../../src/index.ts'
import { RawClient } from './client.ts'

let names = 0

/** A way on which server and client meet. */
export interface Way {
  readonly name: string
  listen(onExchange?: OnExchange, options?: HttpListenOptions): Promise<HttpListener>
  serve(handler: FetchHandler, options?: HttpListenOptions): Promise<HttpListener>
  connect(server: HttpListener): Promise<ByteConnection>
}

const overMemory = (options: HttpListenOptions = {}): HttpListenOptions => {
  const name = `http-${++names}`
  return { idleGrace: 0, ...options, transport: { listen: (accept) => memory.listenBytes(name, accept) } }
}

/** Every test of the server runs on both. */
export const ways: readonly Way[] = [
  {
    name: 'memory',
    listen: (onExchange, options) => listen(overMemory(options), onExchange),
    serve: (handler, options) => serve(overMemory(options), handler),
    connect: (server) => {
      if (server.address.kind !== 'memory') throw new Error('not in memory')
      return memory.connectBytes(server.address.name)
    },
  },
  {
    name: 'tcp',
    listen: (onExchange, options) => listen({ port: 0, idleGrace: 0, ...options }, onExchange),
    serve: (handler, options) => serve({ port: 0, idleGrace: 0, ...options }, handler),
    connect: (server) => tcp.connect({ port: portOf(server) }),
  },
]

/** A client that is connected. */
export async function client(
  way: Way,
  server: HttpListener,
  options?: { stay?: boolean },
): Promise<RawClient> {
  return new RawClient(await way.connect(server), options)
}

/** Writes `text` and reads to the end, which it must bring about. */
export async function ask(way: Way, server: HttpListener, text: string): Promise<string> {
  const peer = await client(way, server)
  peer.write(text)
  return peer.toEnd()
}

export function portOf(server: HttpListener): number {
  if (server.address.kind !== 'ip') throw new Error('not on a port')
  return server.address.port
}

/** A request head with Host and the empty line. */
export function head(line: string, ...fields: string[]): string {
  return [line, 'Host: example', ...fields, '', ''].join('\r\n')
}

/** Resolves when no connection of `server` is left. */
export async function emptied(server: HttpListener): Promise<void> {
  await until(() => server.connections.size === 0)
}

/** Looks once a turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** So many turns that what was under way has arrived, or never will. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 40; turns++) await new Promise((resolve) => setImmediate(resolve))
}

/** Something that a test lets happen when it is time. */
export class Signal {
  fire!: () => void
  readonly fired = new Promise<void>((resolve) => (this.fire = resolve))
}
