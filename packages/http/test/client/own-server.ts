import * as memory from '@fairlead/core/memory'

import { Client, type ClientOptions, type HttpListener } from '../../src/index.ts'

/** A client of our own server, wherever that listens. */
export function clientOf(server: HttpListener, options: ClientOptions = {}): Client {
  const { address } = server
  if (address.kind === 'ip') return new Client({ base: `http://127.0.0.1:${address.port}`, ...options })
  if (address.kind !== 'memory') throw new Error('neither on a port nor in memory')
  const connect = (): ReturnType<typeof memory.connectBytes> => memory.connectBytes(address.name)
  return new Client({ base: 'http://own.example', connect, ...options })
}
