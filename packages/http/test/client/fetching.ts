import type { ByteConnection, Listener } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'

import { Client } from '../../src/client/client.ts'
import type { ClientOptions } from '../../src/client/options.ts'
import {
  type FetchHandler,
  type HttpListener,
  type HttpListenOptions,
  listen,
  type OnExchange,
  serve,
} from '../../src/index.ts'

let names = 0

/** A client whose every connection leads to one server in memory, whatever the URL. */
export interface Fetching<Server> extends AsyncDisposable {
  readonly server: Server
  readonly client: Client
  readonly fetch: Client['fetch']
}

/** Our own server, with a handler of exchanges. */
export function fetching(onExchange: OnExchange, options?: ClientOptions): Promise<Fetching<HttpListener>> {
  return meet((name) => listen({ idleGrace: 0, transport: transport(name) }, onExchange), options)
}

/** Our own server, with a web handler. */
export function fetchingFrom(
  handler: FetchHandler,
  options?: ClientOptions,
): Promise<Fetching<HttpListener>> {
  return meet((name) => serve({ idleGrace: 0, transport: transport(name) }, handler), options)
}

/** A server that is no server: `answer` is called with each connection once the head of a request is there. */
export function fetchingRaw(
  answer: (connection: ByteConnection, head: string) => void,
  options?: ClientOptions,
): Promise<Fetching<Listener<ByteConnection>>> {
  const open = (name: string): Promise<Listener<ByteConnection>> =>
    memory.listenBytes(name, (connection) => {
      let text = ''
      connection.handle({
        onData(chunk) {
          text += Buffer.from(chunk).toString('latin1')
          const end = text.indexOf('\r\n\r\n')
          if (end < 0) return
          const head = text.slice(0, end)
          text = ''
          answer(connection, head)
        },
      })
    })
  return meet(open, options)
}

function transport(name: string): NonNullable<HttpListenOptions['transport']> {
  return { listen: (accept) => memory.listenBytes(name, accept) }
}

async function meet<Server extends { destroy(): void }>(
  open: (name: string) => Promise<Server>,
  options?: ClientOptions,
): Promise<Fetching<Server>> {
  const name = `fetch-${++names}`
  const server = await open(name)
  const client = new Client({ ...options, connect: () => memory.connectBytes(name) })
  return {
    server,
    client,
    fetch: (input, init) => client.fetch(input, init),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await client.closed
      server.destroy()
    },
  }
}
