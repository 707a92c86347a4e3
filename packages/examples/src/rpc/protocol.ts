import type { Peer } from './peer.ts'

/** Methods stand in an interface: one object of parameters each, and what is answered. */
export type Params<M, K extends keyof M> = M[K] extends (params: infer P) => unknown ? P : never
export type Result<M, K extends keyof M> = M[K] extends (params: never) => infer R ? R : never

/** What answers the methods `Mine`. The names of parameters are known; what came under them is to be checked. */
export type Handlers<Mine, Theirs> = {
  readonly [K in keyof Mine]: (
    params: { readonly [N in keyof Params<Mine, K>]?: unknown },
    call: IncomingCall<Theirs>,
  ) => Result<Mine, K> | Promise<Result<Mine, K>>
}

export interface IncomingCall<Theirs> {
  /** The caller, who can be called, too. */
  readonly peer: Peer<Theirs>
  /** Aborted when the caller gives up, or is gone. */
  readonly signal: AbortSignal
}

/** Those of JSON-RPC 2.0 section 5.1, that of a cancelled call in the Language Server Protocol, and our own. */
export const codes = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internalError: -32_603,
  cancelled: -32_800,
  /** The connection ended before the answer came. */
  ended: -32_000,
  late: -32_001,
  busy: -32_002,
} as const

/** Why a call failed. What else a handler throws, its caller does not learn. */
export class RpcError extends Error {
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}
