import type { Socket } from 'node:dgram'

import { type ConnectError, ListenError } from '@fairlead/core'
import { checkBoolean, checkPositive, reasonOf } from '@fairlead/core/transport'

import { type NetworkInterface, interfaces } from '../multicast/interfaces.ts'
import { placesOf } from '../multicast/multicast-interface.ts'

/** How datagrams leave, and how much the system keeps of them on the way out and in. */
export interface TrafficOptions {
  /** Routers that a datagram to one host may pass, 1 to 255. Default: the system's, mostly 64. */
  ttl?: number
  /**
   * Routers that a multicast datagram may pass, less one, 0 to 255: 0 keeps it on this machine, 1 on the link
   * (RFC 1112 section 6.1). Default: the system's, 1.
   */
  multicastTtl?: number
  /** Whether what is sent to a group comes back to members on this machine. Default: the system's, true. */
  multicastLoopback?: boolean
  /** The interface that multicast leaves by, by name or address. Default: the system's choice. */
  multicastInterface?: string
  /** Whether broadcast addresses may be sent to. Default false. */
  broadcast?: boolean
  /** Bytes of the system's receive buffer; the system may grant less, see `stats()`. Default 4 MiB. */
  recvBufferSize?: number
  /** Bytes of the system's send buffer; the system may grant less, see `stats()`. Default: the system's. */
  sendBufferSize?: number
}

/** What the system granted, in bytes; Linux counts twice what it was asked for. 0 where the runtime does not tell. */
export interface GrantedBuffers {
  readonly recvBufferSize: number
  readonly sendBufferSize: number
}

type OptionSocket = Pick<
  Socket,
  | 'getRecvBufferSize'
  | 'getSendBufferSize'
  | 'setBroadcast'
  | 'setMulticastInterface'
  | 'setMulticastLoopback'
  | 'setMulticastTTL'
  | 'setRecvBufferSize'
  | 'setSendBufferSize'
  | 'setTTL'
>

/** Refuses at the call what no system could take. @throws TypeError or RangeError that names the option. */
export function checkTraffic(options: TrafficOptions): void {
  const { ttl, multicastTtl, multicastLoopback, multicastInterface, broadcast } = options
  checkHops('ttl', ttl, 1)
  checkHops('multicastTtl', multicastTtl, 0)
  checkBoolean('multicastLoopback', multicastLoopback)
  checkBoolean('broadcast', broadcast)
  checkPositive('recvBufferSize', options.recvBufferSize)
  checkPositive('sendBufferSize', options.sendBufferSize)
  if (
    multicastInterface !== undefined &&
    (typeof multicastInterface !== 'string' || multicastInterface === '')
  ) {
    throw new TypeError("Invalid option multicastInterface: must be an interface's name or address")
  }
}

/**
 * Has the system do what the options say; before the socket is bound, it would refuse. Buffers are as large
 * as the system lets them be.
 *
 * @throws an error of the kind `Failure` that names the option; the socket is the caller's to close.
 */
export function applyTraffic(
  socket: OptionSocket,
  family: 4 | 6,
  options: TrafficOptions,
  Failure: typeof ListenError | typeof ConnectError = ListenError,
  list: () => readonly NetworkInterface[] = interfaces,
): GrantedBuffers {
  const apply = <T>(name: keyof TrafficOptions, value: T | undefined, set: (value: T) => void): void => {
    if (value === undefined) return
    try {
      set(value)
    } catch (cause) {
      throw new Failure(`Cannot set option ${name} to ${String(value)}: ${reasonOf(cause)}`, { cause })
    }
  }
  apply('ttl', options.ttl, (ttl) => socket.setTTL(ttl))
  apply('multicastTtl', options.multicastTtl, (ttl) => socket.setMulticastTTL(ttl))
  apply('multicastLoopback', options.multicastLoopback, (on) => socket.setMulticastLoopback(on))
  apply('multicastInterface', options.multicastInterface, (name) => {
    socket.setMulticastInterface(formOf(name, family, list()))
  })
  apply('broadcast', options.broadcast, (on) => socket.setBroadcast(on))
  return {
    recvBufferSize: granted(
      options.recvBufferSize,
      (bytes) => socket.setRecvBufferSize(bytes),
      () => socket.getRecvBufferSize(),
    ),
    sendBufferSize: granted(
      options.sendBufferSize,
      (bytes) => socket.setSendBufferSize(bytes),
      () => socket.getSendBufferSize(),
    ),
  }
}

function checkHops(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= 255)) return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not an integer from ${least} to 255`)
}

function formOf(name: string, family: 4 | 6, list: readonly NetworkInterface[]): string {
  const [forms] = placesOf(list, family, [name]).forms.values()
  if (forms?.[0] !== undefined) return forms[0]
  throw new Error(`no interface of this name or address has IPv${family}`)
}

function granted(bytes: number | undefined, set: (bytes: number) => void, get: () => number): number {
  try {
    if (bytes !== undefined) set(bytes)
  } catch {
    // Linux grants less than was asked for; others refuse, and keep what they have.
  }
  try {
    return get()
  } catch {
    // Not every runtime tells.
    return 0
  }
}
