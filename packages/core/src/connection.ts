import type { Address } from './address.ts'
import type { SocketError } from './errors.ts'
import type { CloseReason, Resource } from './resource.ts'

/** A certificate as a peer showed it (RFC 5280). Node's `X509Certificate` is one. */
export interface TlsCertificate {
  /** One `NAME=value` a line, as in `CN=client one`. */
  readonly subject: string
  readonly issuer: string
  /** As in `DNS:example.com, IP Address:192.0.2.1`. */
  readonly subjectAltName: string | undefined
  readonly serialNumber: string
  /** SHA-256 in hexadecimal, with colons between the bytes. */
  readonly fingerprint256: string
  readonly validFrom: string
  readonly validTo: string
  /** The certificate itself, DER encoded. */
  readonly raw: Uint8Array
}

/** What a TLS handshake agreed on. */
export interface TlsFacts {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string
  /** The cipher suite by its registered name, as in `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** The application protocol chosen by ALPN (RFC 7301), if any. */
  readonly alpn?: string | undefined
  /** The name that the client asked for (RFC 6066 section 3), if any. */
  readonly serverName?: string | undefined
  /** Whether the peer's certificate was verified against the configured authorities. */
  readonly authorized: boolean
  /** Why it was not, if a certificate was asked for. */
  readonly authorizationError?: string | undefined
  /** Whether an earlier session was taken up again. */
  readonly resumed: boolean
  /** The certificate that the peer showed, if any. */
  readonly peerCertificate?: TlsCertificate | undefined
}

/**
 * Receives what a connection brings: the hot path, plain method calls with nothing async in between.
 *
 * A method that throws, or returns a promise that rejects, costs its connection and nothing else. A promise
 * that never settles costs nothing: it is guarded, not awaited.
 */
export interface ConnectionHandler<In> {
  /** Called for each piece of input; the callee owns the bytes. */
  onData(data: In): void | Promise<void>
  /** The peer will send no more. Without this method the end is answered with an end. */
  onEnd?(): void | Promise<void>
  /** The output fell below the low-water mark after a `write` returned false. */
  onDrain?(): void
  /** The listener shuts down and cuts in `grace` milliseconds. Without this method: `close({ grace })`. */
  onShutdown?(grace: number): void
  /** Told, not fatal: a refused datagram, a dropped message. */
  onTrouble?(error: SocketError): void
  /** Always last, exactly once, unless the handler was replaced before. */
  onClose?(reason: CloseReason): void
}

/**
 * A conversation with one peer.
 *
 * Born paused: nothing is delivered before somebody handles or iterates it. There is one reader at a time;
 * a second one meets a {@link BusyError}.
 *
 * Iteration ends quietly when the peer ended or this side closed, and throws when the link broke. `break`
 * gives the reader's place back, keeps what was not read, and does not close.
 */
export interface Connection<In, Out = In> extends Resource, AsyncIterable<In> {
  /** This end; behind a PROXY header, where the client connected to. */
  readonly localAddress: Address
  /** The peer; behind a PROXY header, the client. */
  readonly remoteAddress: Address
  /** What TLS agreed on; undefined without TLS, and before its handshake is done. */
  readonly tls?: TlsFacts | undefined
  /**
   * Puts `handler` in the one handler slot, in place of the one before, and lets input flow, even after a
   * `pause()`: first `head`, then what was pending, then the rest; never before this call has returned.
   */
  handle(handler: ConnectionHandler<In>, head?: In): void
  /**
   * Accepts `data` for sending, or throws a {@link ClosedError} or {@link BrokenError}. Returns false when
   * the output stands above the high-water mark: the data was taken, but wait for `onDrain` or `drained()`.
   *
   * @throws also LimitError beyond `maxBuffered` or `maxLength`, TypeError for what cannot be sent.
   */
  write(data: Out): boolean
  /**
   * Like `write`, and resolves when there is room for more. One shared resolved promise while there is.
   * Rejects with what `write` throws, and when the connection is lost before there is room. A rejection that
   * nobody awaits ends nothing.
   */
  send(data: Out): Promise<void>
  /**
   * Resolves when there is room for output; at once if there is. Rejects with `signal.reason`, or a
   * {@link ClosedError} or {@link BrokenError}.
   */
  drained(options?: { signal?: AbortSignal }): Promise<void>
  /** Stops delivery; what was read already is kept. */
  pause(): void
  /** Lets delivery go on. */
  resume(): void
  /** Gathers writes until {@link uncork}, so that they leave together. Calls nest. */
  cork(): void
  /** Ends what {@link cork} began. */
  uncork(): void
  /** Bytes (for messages: their bytes) accepted by `write` and not yet handed to the transport. */
  readonly buffered: number
}

/** A reliable stream of bytes; boundaries between chunks mean nothing. */
export interface ByteConnection extends Connection<Uint8Array, Uint8Array | string> {
  /** As {@link Connection.write}; text goes out in `encoding`, by default UTF-8. */
  write(data: Uint8Array | string, encoding?: 'utf8' | 'latin1'): boolean
  /** Half-close: sends the end after what was written, and goes on reading. May be repeated. */
  end(): void
}

/** A conversation in whole messages. */
export interface MessageConnection<M> extends Connection<M> {
  /** Whether messages arrive once and in order. Over datagrams they may not. */
  readonly reliable: boolean
}

/** Messages cut from a byte stream. */
export interface FramedConnection<M> extends MessageConnection<M> {
  /** Takes the framing off: the byte connection, and the bytes read from it but not yet delivered. */
  unframe(): { connection: ByteConnection; head: Uint8Array }
}
