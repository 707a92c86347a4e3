import type { Socket } from 'node:dgram'

import { type ConnectError, ipAddress, type ListenError, SocketError } from '@fairlead/core'

import { addressFrom, type IpAddress } from '../address/datagram.ts'
import { type Addresses, type ResolveOptions, resolve } from '../address/resolve.ts'
import type { Opened } from '../carrier.ts'
import { defaultRecvBufferSize } from '../options.ts'
import type { Counters } from '../stats.ts'
import { applyTraffic, type TrafficOptions } from './socket-options.ts'

/** A socket of the runtime, bound. */
export interface OpenedSocket extends Opened<IpAddress> {
  readonly socket: Socket
  /** The families that it can send to. */
  readonly speaks: readonly (4 | 6)[]
}

/** What to open, and where; `refuse` makes the error of it. */
export interface Opening extends ResolveOptions {
  readonly host: string
  readonly port: number
  refuse(error: unknown, where: string): SocketError
}

/** @throws what `refuse` makes, TimeoutError with phase `dns`, `signal.reason`. */
export async function addressesOf({ host, port, refuse, ...options }: Opening): Promise<Addresses> {
  options.signal?.throwIfAborted()
  try {
    return await resolve(host, port, options)
  } catch (error) {
    if (options.signal?.aborted || SocketError.is(error)) throw error
    throw refuse(error, `${host}:${port}`)
  }
}

export function typeOf({ family }: IpAddress): 'udp4' | 'udp6' {
  return family === 4 ? 'udp4' : 'udp6'
}

/** Without a listener, an error that a peer provoked would end the process. */
export function quiet(socket: Socket): Socket {
  return socket.on('error', () => {})
}

/** Runs `begin` and waits until it is done. Whatever goes wrong closes the socket. */
export function settled(socket: Socket, begin: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      socket.off('error', done)
      if (!error) return resolve()
      socket.close()
      reject(error)
    }
    socket.on('error', done)
    begin(done)
  })
}

/** Has the system do what the options say, and notes what it granted. An abort that came meanwhile still counts. */
export function equipped(
  socket: Socket,
  speaks: readonly (4 | 6)[],
  {
    recvBufferSize = defaultRecvBufferSize,
    signal,
    ...options
  }: TrafficOptions & { signal?: AbortSignal | undefined },
  counters: Counters,
  Failure: typeof ListenError | typeof ConnectError,
): OpenedSocket {
  try {
    signal?.throwIfAborted()
    const family = speaks.includes(6) ? 6 : 4
    const buffers = applyTraffic(socket, family, { ...options, recvBufferSize }, Failure)
    const bound = socket.address()
    const address = ipAddress(bound.address, bound.port)
    counters.opened({ family, local: address, peer: peerOf(socket) }, buffers)
    return { socket, speaks, address, addressOf: addressFrom }
  } catch (error) {
    socket.close()
    throw error
  }
}

function peerOf(socket: Socket): IpAddress | undefined {
  try {
    const { address, port } = socket.remoteAddress()
    return ipAddress(address, port)
  } catch {
    return undefined
  }
}
