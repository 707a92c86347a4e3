/** Who is at both ends, in the words of the Sockets API. */
export interface SocketInfo {
  /** `192.0.2.1:443`, `[2001:db8::1]:443`, `unix:/path`, as `formatAddress` writes it. */
  readonly remoteAddress: string
  readonly localAddress: string
  /** The application protocol that TLS agreed on (RFC 7301), if any. */
  readonly alpn: string | null
}

/**
 * The `Socket` of WinterTC's Sockets API (draft, https://sockets-api.proposal.wintertc.org), as it is after a
 * `connect` with `allowHalfOpen: true`: the end of one direction leaves the other open.
 */
export interface Socket {
  /** What the peer sends. Not a byte stream in the sense of BYOB: chunks may share memory with others. */
  readonly readable: ReadableStream<Uint8Array>
  /** Takes bytes, and text as UTF-8. */
  readonly writable: WritableStream<Uint8Array | string>
  /** Resolved already: there are no unborn connections here. */
  readonly opened: Promise<SocketInfo>
  /**
   * Resolves when the connection is closed in good order, rejects with the {@link SocketError} that broke it.
   * A rejection that nobody awaits ends nothing.
   */
  readonly closed: Promise<void>
  /** Always false: TLS is started on the connection, before it becomes a socket. */
  readonly upgraded: boolean
  readonly secureTransport: 'on' | 'off'
  /**
   * Closes the connection politely and returns `closed`. Reading ends, and what waits in `writable` is dropped:
   * its writes reject with `reason`. Close the writer first to have them sent.
   */
  close(reason?: unknown): Promise<void>
  /** @throws SocketError always, as the draft has it for a socket whose transport is not `starttls`. */
  startTls(): never
}
