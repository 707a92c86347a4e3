import { createServer, type ListenOptions as Where, type Server, type Socket } from 'node:net'

import { type Address, ipAddress, ListenError } from '@fairlead/core'
import { codeOf, defaultHighWaterMark } from '@fairlead/core/transport'

import { listenErrorOf } from './errno.ts'
import { defaultBacklog, type ListenOptions } from './listen-options.ts'
import { requireReusePort } from './reuse-port.ts'
import { isAbstract, masked, reclaim, setMode } from './unix-path.ts'

/** Called for each socket; in a worker of a cluster even before {@link openServer} has resolved. */
export type OnSocket = (socket: Socket, server: Server) => void

/**
 * Opens the listening socket that the options describe, on `port` if they leave it to the system.
 *
 * @throws ListenError, TypeError for an option that this runtime does not know.
 */
export async function openServer(options: ListenOptions, port: number, onSocket: OnSocket): Promise<Server> {
  const { path, fd } = options
  if (options.reusePort) await requireReusePort()
  const where = placeOf(options, port)
  try {
    return await bind(where, options, onSocket).catch(async (error: unknown) => {
      if (path === undefined || codeOf(error) !== 'EADDRINUSE' || !(await reclaim(path))) throw error
      return bind(where, options, onSocket)
    })
  } catch (error) {
    if (error instanceof ListenError) throw error
    if (fd !== undefined) {
      throw new ListenError(`Cannot listen on descriptor ${fd}: it is no socket that can listen`, {
        cause: error,
      })
    }
    throw listenErrorOf(error, path === undefined ? `${where.host}:${where.port}` : { kind: 'unix', path })
  }
}

/** Where the server listens. */
export function addressOf(server: Server, path = ''): Address {
  const bound = server.address()
  if (bound !== null && typeof bound === 'object') return ipAddress(bound.address, bound.port)
  // Node tells the path in the form that it was bound with.
  return { kind: 'unix', path: path || (bound ?? '') }
}

function placeOf(options: ListenOptions, port: number): Where {
  const { host = '127.0.0.1', path, fd, backlog = defaultBacklog, exclusive = false } = options
  const common = { backlog, exclusive }
  if (fd !== undefined) return { ...common, fd } as Where
  if (path !== undefined) return { ...common, path }
  const { ipv6Only = false, reusePort = false } = options
  return { ...common, host, port, ipv6Only, ...(reusePort && { reusePort }) }
}

function bind(where: Where, options: ListenOptions, onSocket: OnSocket): Promise<Server> {
  const { path, mode, noDelay = true, keepAlive = false, highWaterMark = defaultHighWaterMark } = options
  const server = createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay,
    keepAlive: keepAlive !== false,
    keepAliveInitialDelay: keepAlive || 0,
    highWaterMark,
  })
  server.on('connection', (socket) => onSocket(socket, server))
  return new Promise((resolve, reject) => {
    // What the system reports later (no descriptors on accept) finds the promise settled; accepting goes on.
    server.on('error', reject)
    const done = (): void => {
      try {
        if (path !== undefined && mode !== undefined && !isAbstract(path)) setMode(path, mode)
      } catch (error) {
        server.close()
        return reject(error)
      }
      resolve(server)
    }
    masked(mode, () => server.listen(where, done))
  })
}
