import {
  checkBoolean,
  checkFunction,
  checkOptions,
  checkPositive,
  checkRate,
  checkSignal,
} from '@fairlead/core/transport'

import type { AdmissionOptions } from './admission.ts'
import { checkConnection, type ConnectionOptions } from './connection-options.ts'
import { checkEndpoint, type StreamEndpoint } from './endpoint.ts'
import type { Prelude } from './stream.ts'
import type { TlsServerOptions } from './tls/options.ts'
import { checkUnixPath, isAbstract } from './unix-path.ts'

/** Where to listen, how, and for whom. All times are milliseconds. */
export interface ListenOptions extends StreamEndpoint, ConnectionOptions, AdmissionOptions {
  /** 0 lets the system choose. Default 0. */
  port?: number
  /**
   * An inherited socket instead of host, port and path; see `listenFds`. It belongs to the listener from here on.
   * Of a Unix socket, the runtime does not tell the path: it is empty then.
   */
  fd?: number
  /** Permissions of the Unix socket's file, such as `0o660`. Default: what the process' umask leaves. */
  mode?: number
  /** Connections that the system may hold until they are accepted. Default 511. */
  backlog?: number
  /** On `::`, no IPv4 peers. Default false. */
  ipv6Only?: boolean
  /** Shares the port with other sockets that say so, on systems and runtimes that can. Default false. */
  reusePort?: boolean
  /** In a worker of `node:cluster`: a socket of its own instead of one that the workers share. Default false. */
  exclusive?: boolean
  /** What each connection goes through before it is accepted, below TLS: the PROXY protocol. */
  prelude?: Prelude
  /** Certificates and all else that TLS needs. Default: no TLS. */
  tls?: TlsServerOptions
  /** How long a connection may take for the prelude and the TLS handshake together. Default 10,000. */
  handshakeTimeout?: number
  /** Ends the wait for the name and the socket: `listen` rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
}

export const defaultBacklog = 511

const positive = ['backlog', 'maxConnections', 'maxConnectionsPerAddress', 'handshakeTimeout'] as const
const booleans = ['ipv6Only', 'reusePort', 'exclusive'] as const

/** Refuses, by name, what could not be listened with. */
export function checkListen(options: ListenOptions): void {
  checkOptions('listen', options)
  checkEndpoint(options, 0)
  checkSignal(options.signal)
  checkConnection(options)
  for (const name of positive) checkPositive(name, options[name])
  for (const name of booleans) checkBoolean(name, options[name])
  checkFunction('prelude', options.prelude)
  checkPlace(options)
  checkAdmission(options)
}

function checkPlace({ host, port, path, fd, mode, ipv6Only, reusePort }: ListenOptions): void {
  if (path !== undefined) checkUnixPath(path)
  if (fd !== undefined) {
    if (!Number.isInteger(fd) || fd < 0 || fd > 2_147_483_647) {
      throw new RangeError(`Invalid option fd: ${String(fd)} is not a descriptor`)
    }
    if (host !== undefined || port !== undefined || path !== undefined) {
      throw new TypeError('Invalid option fd: cannot stand beside host, port or path')
    }
  }
  if (mode !== undefined) {
    if (path === undefined || isAbstract(path)) {
      throw new TypeError('Invalid option mode: only the file of a Unix socket has permissions')
    }
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
      throw new RangeError(`Invalid option mode: ${String(mode)} is not a number from 0 to 0o777`)
    }
  }
  if (path === undefined && fd === undefined) return
  const only = 'is about host and port, and there is none'
  if (ipv6Only !== undefined) throw new TypeError(`Invalid option ipv6Only: ${only}`)
  if (reusePort !== undefined) throw new TypeError(`Invalid option reusePort: ${only}`)
}

function checkAdmission({ acceptRate, allow }: ListenOptions): void {
  checkRate('acceptRate', acceptRate)
  // A list of the runtime may still be filled.
  if (Array.isArray(allow) && allow.length === 0) {
    throw new TypeError('Invalid option allow: an empty list would let nobody in')
  }
}
