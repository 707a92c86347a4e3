import { type Address, type ByteConnection, ProtocolError } from '@fairlead/core'
import { checkOptions, checkPositive } from '@fairlead/core/transport'

import type { AddressList } from '../access-list.ts'
import { TcpConnection } from '../connection.ts'
import type { Prelude } from '../stream.ts'
import { checkLimits, ProxyHeaderDecoder, type ProxyHeaderLimits } from './decoder.ts'
import { HeaderReader } from './header-reader.ts'
import type { ProxyHeader } from './header.ts'
import { trustIn } from './trust.ts'

/** Options of {@link acceptProxy}. */
export interface AcceptProxyOptions extends ProxyHeaderLimits {
  /**
   * The proxies: addresses, subnets and ranges as for `allow`, and `'unix'` for whoever reaches a Unix socket. From
   * them, every connection must begin with a header.
   */
  trust: AddressList
  /**
   * What becomes of connections from elsewhere. `refuse` ends them; with `plain` they are clients of their own,
   * and a header from them is data like any other. Default `refuse`.
   */
  others?: 'refuse' | 'plain'
  /**
   * Milliseconds from the connection to the whole header, however its bytes come. Section 2 wants at least 3,000, and
   * the listener's `handshakeTimeout` holds, too. Default 5,000.
   */
  headerTimeout?: number
}

/** What a proxy told of a connection, and what the socket itself says. */
export interface ProxyFacts {
  readonly header: ProxyHeader
  /** The proxy: the real peer of the socket. */
  readonly remoteAddress: Address
  /** Where the proxy connected to. */
  readonly localAddress: Address
}

const facts = new WeakMap<ByteConnection, ProxyFacts>()

/**
 * Reads a PROXY protocol header, version 1 or 2, at the beginning of each connection from a trusted proxy. From
 * then on `remoteAddress` is the client, and `localAddress` where the client connected to. A connection of the
 * proxy's own (`local`), or on behalf of something without addresses, keeps those of the socket.
 *
 * Whether a header has to be there depends on the peer's address only: "the receiver MUST not try to guess"
 * (section 2). The connection ends with a ProtocolError when there is none or it is wrong, with a LimitError when
 * it is longer than `maxLength`, and with a TimeoutError of phase `handshake` when it takes too long.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * await listen({ port: 7000, prelude: acceptProxy({ trust: ['10.0.0.0/8'] }) }, (connection) => {
 *   console.log(connection.remoteAddress, 'by way of', proxyOf(connection)?.remoteAddress)
 * })
 * ```
 */
export function acceptProxy(options: AcceptProxyOptions): Prelude {
  checkOptions('acceptProxy', options)
  const { trust, others = 'refuse', headerTimeout = 5_000 } = options
  const trusted = trustIn(trust)
  if (others !== 'refuse' && others !== 'plain') {
    throw new TypeError(`Invalid option others: ${String(others)} is not refuse or plain`)
  }
  checkPositive('headerTimeout', headerTimeout)
  checkLimits(options)

  return async (connection) => {
    if (!(connection instanceof TcpConnection)) {
      throw new TypeError('Cannot read PROXY header: not a TCP or Unix socket connection')
    }
    const { localAddress, remoteAddress } = connection
    if (!trusted(remoteAddress)) {
      if (others === 'plain') return
      throw new ProtocolError('Cannot accept connection: peer is not a trusted proxy', {
        side: 'remote',
        phase: 'handshake',
        peer: remoteAddress,
      })
    }
    const reader = new HeaderReader(connection, new ProxyHeaderDecoder(options), headerTimeout)
    const header = await reader.header
    facts.set(connection, { header, localAddress, remoteAddress })
    const { source, destination } = header
    if (!source || !destination) return
    TcpConnection.readdress(connection, { localAddress: destination, remoteAddress: source })
  }
}

/** What {@link acceptProxy} read on `connection`; undefined when it came from elsewhere. */
export function proxyOf(connection: ByteConnection): ProxyFacts | undefined {
  return facts.get(connection)
}
