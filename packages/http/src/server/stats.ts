import type { ListenerStats } from '@fairlead/tcp'

/** What a peer was waited for, and did not do in time: the phases that a server's times are about. */
export type HttpTimeoutPhase = 'idle' | 'headers' | 'body' | 'handler' | 'write'

/** What an HTTP listener counted since it was made; a copy, which may be asked for as often as one likes. */
export interface HttpStats {
  /** Requests of which the head was read and given to the application. */
  readonly requests: number
  /** Of these, how many are not wholly answered now. */
  readonly active: number
  /** Answers that were begun, by the first digit of their status; those that the server gave itself among them. */
  readonly answers: Readonly<Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx', number>>
  /** Answers that the server gave itself, by status: 400, 408, 413, 414, 417, 431, 500, 501, 503, 505. */
  readonly refused: Readonly<Record<number, number>>
  /** Requests whose client left, or broke the protocol, before it had the whole answer. */
  readonly aborted: number
  /** Times that ran out, by what was waited for. `idle` is a keep-alive connection that went unused: no fault. */
  readonly timeouts: Readonly<Record<HttpTimeoutPhase, number>>
  /** Connections that were taken over for another protocol. */
  readonly upgrades: number
  /** Bytes of HTTP that were received. */
  readonly bytesIn: number
  /** Bytes of HTTP that were written: heads, bodies and what frames them. */
  readonly bytesOut: number
  /** What the listener below counted: on TCP and TLS alone. */
  readonly connections: ListenerStats | undefined
}

/** The counts behind {@link HttpStats}: plain numbers that whoever serves adds to. */
export class Counters {
  requests = 0
  active = 0
  aborted = 0
  upgrades = 0
  bytesIn = 0
  bytesOut = 0
  readonly timeouts: Record<HttpTimeoutPhase, number> = { idle: 0, headers: 0, body: 0, handler: 0, write: 0 }
  readonly #refused: Record<number, number> = {}
  readonly #answers = [0, 0, 0, 0, 0]

  /** An answer begins, or an interim one is given. */
  answer(status: number): void {
    // Above 599 there is no class of its own (RFC 9110 section 15): it is a server's fault.
    const at = status < 600 ? ((status / 100) | 0) - 1 : 4
    this.#answers[at] = (this.#answers[at] ?? 0) + 1
  }

  /** The server itself answers. */
  refuse(status: number): void {
    this.#refused[status] = (this.#refused[status] ?? 0) + 1
  }

  copy(connections: ListenerStats | undefined): HttpStats {
    const { requests, active, aborted, upgrades, bytesIn, bytesOut } = this
    const [one = 0, two = 0, three = 0, four = 0, five = 0] = this.#answers
    return {
      requests,
      active,
      answers: { '1xx': one, '2xx': two, '3xx': three, '4xx': four, '5xx': five },
      refused: { ...this.#refused },
      aborted,
      timeouts: { ...this.timeouts },
      upgrades,
      bytesIn,
      bytesOut,
      connections,
    }
  }
}
