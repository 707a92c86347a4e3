import type { ByteConnection } from '@fairlead/core'
import type { TlsClientOptions } from '@fairlead/tcp'

import type { CodecLimits, Fields } from '../codec/index.ts'
import type { FieldsInit } from '../message/fields-init.ts'
import type { PieceBody } from '../message/piece-source.ts'
import type { Progress } from '../message/progress.ts'
import type { Interceptor } from './outgoing-request.ts'

/** A file as a body: read while it is sent, with the exact length that it has when it is opened. */
export interface FileBody {
  readonly file: string | URL
  /** The first byte to send. Default 0. */
  readonly start?: number
  /** The byte behind the last. Default: the file's end. */
  readonly end?: number
}

/**
 * What can be sent as the body of a request. Text, bytes, a Blob, a form, search parameters and a file have an exact
 * Content-Length and can be sent again; streams go out in chunks and can be sent once.
 */
export type RequestBody =
  | PieceBody
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | FormData
  | URLSearchParams
  | FileBody

/** A 1xx answer that came before the final one (RFC 9110 section 15.2). */
export interface InformationalResponse {
  readonly status: number
  readonly headers: Fields
}

/** How long each phase of a request may take, in milliseconds; `Infinity` lifts a limit. */
export interface RequestTimeouts {
  /** To resolve the name. Default 5,000. */
  readonly dns?: number
  /** From the beginning to a connection that is ready, name, proxy and TLS included. Default 10,000. */
  readonly connect?: number
  /** For the handshake of TLS. Default 10,000. */
  readonly tls?: number
  /** For the server to take more of the request, at most 64 KiB at a time. Default 60,000. */
  readonly write?: number
  /** From the end of the request to the head of its answer; an interim answer winds it up. Default 300,000. */
  readonly headers?: number
  /** For more of the answer's body, while somebody reads it. Default 300,000. */
  readonly body?: number
  /** For everything, from the call to the last byte of the answer, redirects and retries included. Default `Infinity`. */
  readonly total?: number
}

/** Those of them that a connection has which nobody asks anything. */
export type ConnectTimeouts = Pick<RequestTimeouts, 'dns' | 'connect' | 'tls' | 'write'>

/** What a request may say beside its URL, and a client of all of its requests. */
export interface SharedOptions {
  /** Redirects that are followed; one more is an error, and with 0 the redirect itself is the answer. Default 10. */
  redirects?: number
  /** Whether bodies are asked for compressed, and decoded. Default true. */
  decode?: boolean
  /** Whether a request that cannot have been processed is sent once more, on a fresh connection. Default true. */
  retry?: boolean
  timeouts?: RequestTimeouts
  /** A Unix socket to connect to, in the place of the URL's host and port. */
  unix?: string
}

/** One request. */
export interface RequestOptions extends SharedOptions {
  /** Default GET, or POST where there is a body. */
  method?: string
  headers?: FieldsInit
  /** Added to the query of the URL. */
  query?: URLSearchParams | Readonly<Record<string, string | number | boolean>>
  body?: RequestBody | null
  /** A body in JSON, in the place of `body`. */
  json?: unknown
  /** Asked when the body has ended; written behind it, which goes out in chunks then (RFC 9112 section 7.1.2). */
  trailers?: () => FieldsInit | Promise<FieldsInit>
  /**
   * Waits with the body until the server wants it (RFC 9110 section 10.1.1), or for that many milliseconds.
   * True: 1,000. Default false.
   */
  expectContinue?: boolean | number
  onUpload?: (progress: Progress) => void
  onDownload?: (progress: Progress) => void
  onInform?: (response: InformationalResponse) => void
  /** Ends the request, whatever it is at: it rejects with `signal.reason`, and its connection is free at once. */
  signal?: AbortSignal
}

/** Whom a connection is for. */
export interface ConnectTarget {
  /** As in `https://example.com:8443`. */
  readonly origin: string
  /** Without brackets. */
  readonly host: string
  readonly port: number
  readonly unix: string | undefined
  /** How to go on with TLS, which is the hook's own affair; undefined for plain http. */
  readonly tls: TlsClientOptions | undefined
  /** What is left of the time for connecting; its reason says of what there was too little. */
  readonly signal: AbortSignal
  readonly timeouts: Required<RequestTimeouts>
}

/** Makes connections in the place of tcp: ready for HTTP, TLS included where the target asks for it. */
export type Connect = (target: ConnectTarget) => Promise<ByteConnection>

/** Which proxy a URL is asked through: its URL, or undefined for none. */
export type ProxyOf = (url: URL) => string | URL | undefined

/** Sizes and counts that a server could grow; see {@link CodecLimits} for those of the codec. */
export interface ResponseLimits extends Omit<CodecLimits, 'bodyBytes' | 'targetBytes' | 'emptyLines'> {
  /** Content codings on top of each other. Default 3. */
  readonly contentCodings: number
  /** Decoded bytes for each encoded one, once 1 MiB has been decoded. Default 250. */
  readonly expansion: number
}

/** A client: its pools, and what all of its requests have in common. */
export interface ClientOptions extends SharedOptions {
  /** What URLs of requests are relative to. */
  base?: string | URL
  /** For each request that has none of that name itself. */
  headers?: FieldsInit
  /** Connections to one origin. Default 64. */
  maxConnections?: number
  /** Requests that wait for a connection to one origin; one more is an error. Default 65,536. */
  maxQueued?: number
  /** Safe requests (RFC 9110 section 9.2.1) on one connection that wait for their answers. Default 1. */
  pipelining?: number
  /** How long a connection is kept for another request, unless the server says less. Default 4,000. */
  idleTimeout?: number
  /** Bytes of the largest body, decoded; cut there. Default `Infinity`. */
  maxBodySize?: number
  limits?: Partial<ResponseLimits>
  interceptors?: readonly Interceptor[]
  /**
   * The URL of a proxy for all requests; a function that knows one for each; or `'environment'`: those of
   * `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as they are when the client is made. Default: none.
   */
  proxy?: string | URL | ProxyOf
  tls?: TlsClientOptions
  connect?: Connect
}

/** How to connect to whom a URL names. Each option is what it is for a client. */
export interface ConnectOptions {
  /** Which proxy, if any, makes the tunnel; see {@link ClientOptions.proxy}. */
  proxy?: string | URL | ProxyOf
  tls?: TlsClientOptions
  /** A Unix socket to connect to, in the place of the URL's host and port, and of any proxy. */
  unix?: string
  timeouts?: ConnectTimeouts
  /** Connects in the place of tcp. */
  connect?: Connect
  /** Ends the attempt: it rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
}
