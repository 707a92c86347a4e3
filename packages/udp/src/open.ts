import { createSocket, type RemoteInfo, type Socket, type SocketOptions as SocketConfig } from 'node:dgram'

import { ConnectError, formatAddress, ipAddress, ListenError, SocketError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

import type { Opened } from './carrier.ts'
import { addressFrom, type IpAddress } from './datagram.ts'
import { defaultConnectTimeout, defaultHost, defaultRecvBufferSize, type SocketOptions } from './options.ts'
import { type ResolveOptions, resolve } from './resolve.ts'
import { requireReusePort } from './reuse-port.ts'
import { applyTraffic, type TrafficOptions } from './socket-options.ts'
import type { Counters } from './stats.ts'
import { wireHost } from './wire.ts'

/** A socket of the runtime, bound, with the family it speaks. */
export interface OpenedSocket extends Opened<IpAddress> {
  readonly socket: Socket
  readonly family: 4 | 6
}

interface Abortable {
  signal?: AbortSignal | undefined
}

/** Binds a socket. @throws ListenError, TimeoutError with phase `dns`, `signal.reason`. */
export async function openBound(
  options: SocketOptions,
  counters: Counters,
  attempt: 'bind' | 'listen on' = 'bind',
): Promise<OpenedSocket> {
  const { host = defaultHost, port = 0, signal } = options
  const refuse = (error: unknown, where: string): SocketError =>
    new ListenError(`Cannot ${attempt} ${where}: ${reasonOf(error)}`, {
      phase: 'bind',
      retryable: codeOf(error) === 'EADDRINUSE',
      cause: error,
    })
  const address = await resolved(
    host,
    port,
    { timeout: defaultConnectTimeout, signal, lookup: options.lookup },
    refuse,
  )
  const { family } = address
  const { reuseAddr = false, reusePort = false, ipv6Only = false } = options
  if (reusePort) await requireReusePort()
  // Only vetted literals come here. The runtime's default would ask the resolver in a later tick: it would
  // read the bytes late, mix up the order, and never call back on a socket closed meanwhile.
  const lookup: SocketConfig['lookup'] = (host, _options, callback) => callback(null, host, family)
  // Types of Node 20 know nothing of it.
  const sharing = reusePort ? ({ reusePort } as object) : {}
  const socket = quiet(createSocket({ type: typeOf(address), reuseAddr, ipv6Only, lookup, ...sharing }))
  // One worker's socket: sessions shared out among the workers of a cluster would be torn apart.
  const bind = { port, address: wireHost(address), exclusive: true }
  await settled(
    socket,
    (done) => socket.bind(bind, done),
    (error) => refuse(error, formatAddress(address)),
  )
  return ready(socket, address, options, counters, ListenError)
}

/** Connects a socket in the kernel. @throws ConnectError, TimeoutError with phase `dns`, `signal.reason`. */
export async function openConnected(
  options: ResolveOptions & TrafficOptions & { host: string; port: number },
  counters: Counters,
): Promise<OpenedSocket & Required<Opened<IpAddress>>> {
  const refuse = (error: unknown, where: string): SocketError =>
    new ConnectError(`Cannot connect to ${where}: ${reasonOf(error)}`, { cause: error })
  const { host, port } = options
  const address = await resolved(host, port, options, refuse)
  // The literal is looked up once, here; with a lookup that answers at once, Deno never says it is connected.
  const socket = quiet(createSocket(typeOf(address)))
  // Deno does not connect in the kernel: unless it is bound, its socket is open to the network, at no address of its own.
  if (isLoopback(address)) {
    await settled(
      socket,
      (done) => socket.bind({ address: address.host, exclusive: true }, done),
      (error) => refuse(error, formatAddress(address)),
    )
  }
  await settled(
    socket,
    (done) => socket.connect(port, wireHost(address), done),
    (error) => refuse(error, formatAddress(address)),
  )
  const opened = ready(socket, address, options, counters, ConnectError)
  const sender = socket.remoteAddress() as RemoteInfo
  return { ...opened, peer: { address: addressFrom(sender), sender } }
}

async function resolved(
  host: string,
  port: number,
  options: ResolveOptions,
  refuse: (error: unknown, where: string) => SocketError,
): Promise<IpAddress> {
  options.signal?.throwIfAborted()
  try {
    return await resolve(host, port, options)
  } catch (error) {
    if (options.signal?.aborted || SocketError.is(error)) throw error
    throw refuse(error, `${host}:${port}`)
  }
}

function typeOf({ family }: IpAddress): 'udp4' | 'udp6' {
  return family === 4 ? 'udp4' : 'udp6'
}

function isLoopback({ host }: IpAddress): boolean {
  return host === '127.0.0.1' || host === '::1'
}

/** Without a listener, an error that a peer provoked would end the process. */
function quiet(socket: Socket): Socket {
  return socket.on('error', () => {})
}

/** Runs `begin` and waits until it is done; whatever goes wrong closes the socket. */
function settled(
  socket: Socket,
  begin: (done: (error?: Error) => void) => void,
  refuse: (error: unknown) => SocketError,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      socket.off('error', done)
      if (!error) return resolve()
      socket.close()
      reject(refuse(error))
    }
    socket.on('error', done)
    begin(done)
  })
}

/** Has the system do what the options say, and notes what it granted. An abort that came meanwhile still counts. */
function ready(
  socket: Socket,
  { family }: IpAddress,
  { recvBufferSize = defaultRecvBufferSize, signal, ...options }: TrafficOptions & Abortable,
  counters: Counters,
  Failure: typeof ListenError | typeof ConnectError,
): OpenedSocket {
  try {
    signal?.throwIfAborted()
    const buffers = applyTraffic(socket, family, { ...options, recvBufferSize }, Failure)
    const bound = socket.address()
    const address = ipAddress(bound.address, bound.port)
    counters.opened({ family, local: address, peer: peerOf(socket) }, buffers)
    return { socket, family, address, addressOf: addressFrom }
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
