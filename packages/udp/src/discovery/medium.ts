import type { IpAddress } from '../address/datagram.ts'

/** What a {@link Medium} counted. Datagrams, unless the name says something else. */
export interface MediumStats {
  /** Sent, one on each link: an interface, and a family on it. */
  readonly sent: number
  /** Not sent, because the system refused: an interface without a route, or that is just going. */
  readonly sendErrors: number
  readonly received: number
  /** Dropped, because whoever sent them is on none of our links. */
  readonly foreign: number
}

/** Who hears a {@link Medium}. Must not throw. */
export interface MediumHandler {
  onDatagram(data: Uint8Array, from: IpAddress): void
  /** There is a link more than before: those on it have heard nothing yet. */
  onLink(): void
}

/** What discovery talks over: everybody hears everybody, or nearly. */
export interface Medium {
  /** Called once; nothing is delivered before. */
  handle(handler: MediumHandler): void
  /** To everybody, without saying what became of it. */
  send(data: Uint8Array): void
  stats(): MediumStats
  /** Resolves when what was sent is with the system, after `grace` at the latest. */
  close(grace: number): Promise<void>
  destroy(): void
}
