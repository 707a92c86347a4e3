import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import type { TlsFacts } from '@fairlead/core'

export type TlsCertificate = NonNullable<TlsFacts['peerCertificate']>

/** Whether a peer is believed, and why not. */
export interface Verdict {
  readonly authorized: boolean
  readonly refusal?: string | undefined
  /** What the peer showed when the session began that was taken up now: the runtime does not keep it. */
  readonly certificate?: TlsCertificate | undefined
}

/** What the runtime's sockets take and its types do not know of. */
export interface Marked {
  highWaterMark?: number
}

/** One side of TLS, ready for many handshakes. */
export interface TlsEngine {
  /** The event of its sockets that ends the handshake. */
  readonly doneEvent: 'secure' | 'secureConnect'
  /** Puts TLS on top of a socket; the handshake begins at once. */
  over(wire: Socket): TLSSocket
  /** What to think of the peer now that the handshake is done. */
  judge(socket: TLSSocket): Verdict
  /** Whether somebody whom it does not believe is refused. */
  readonly strict: boolean
}
