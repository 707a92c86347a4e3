import { setTimeout } from 'node:timers/promises'

import { ClosedError, TimeoutError } from '@fairlead/core'
import type { Destination, IpAddress, UdpSocket } from '@fairlead/udp'
import { requests, type RequestSocket } from '@fairlead/udp/request'

import { spoken } from '../hub/talk.ts'
import { reasonOf } from '../reason.ts'
import type { Tell } from './event.ts'
import type { Neighbour } from './neighbour.ts'
import type { Roster } from './roster.ts'

/** A message: to all who are there, or to one. */
const message = /^(say|tell) (.+)$/su

/** Milliseconds that a peer has for its answer, retries included; the first retry comes after 100 to 200. */
const patience = { timeout: 3_000, backoff: { base: 200 } }
/** Who answers `later` is asked again so often, and after so many milliseconds. */
const attempts = 10
const pause = 300

/** Bytes that a message may have with its verb: a datagram that passes nearly every path whole. */
const maxMessageSize = 1_200

/** Messages from peer to peer, each a request: sent again when it is lost, heard once, and answered. */
export class Post implements AsyncDisposable {
  readonly #requests: RequestSocket<IpAddress, Destination, string>
  readonly #roster: Roster
  readonly #tell: Tell

  constructor(socket: UdpSocket, roster: Roster, tell: Tell) {
    this.#roster = roster
    this.#tell = tell
    this.#requests = requests(socket, {
      messages: 'text',
      maxMessageSize,
      answer: (data, from) => this.#hear(data, from),
    })
  }

  /** Sends behind what is on its way there already, and tells what became of it. Never rejects. */
  async send(verb: 'say' | 'tell', text: string, to: Neighbour): Promise<void> {
    const told = (): { peer: string; text: string } => ({ peer: this.#roster.labelOf(to), text })
    try {
      await to.outbox.post(() => this.#deliver(`${verb} ${text}`, to))
      this.#tell({ event: 'delivered', ...told() })
    } catch (error) {
      this.#tell({ event: 'undelivered', ...told(), why: whyOf(error, to) })
    }
  }

  fits(text: string): boolean {
    return Buffer.byteLength(`tell ${text}`) <= maxMessageSize
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#requests.close()
  }

  async #deliver(data: string, to: Neighbour): Promise<void> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const answer = await this.#requests.request(data, { to: to.address, signal: to.gone, ...patience })
      if (answer === 'heard') return
      if (answer !== 'later') throw new Error('it did not understand')
      await setTimeout(pause, undefined, { signal: to.gone })
    }
    throw new Error('it takes no messages from here now')
  }

  /** Anybody can send anything. Only who was announced is heard: others may be a moment ahead of their announcement. */
  async #hear(data: string, from: IpAddress): Promise<string> {
    const [, verb, said = ''] = message.exec(data) ?? []
    const text = spoken(said)
    if (text === '') return 'what?'
    const peer = this.#roster.at(from)
    if (!peer || !(await peer.admit())) return 'later'
    this.#tell({ event: 'said', peer: this.#roster.labelOf(peer), text, toAll: verb === 'say' })
    return 'heard'
  }
}

function whyOf(error: unknown, { gone }: Neighbour): string {
  if (gone.aborted) return 'not there any more'
  if (error instanceof TimeoutError) return 'no answer'
  return error instanceof ClosedError ? 'you left' : reasonOf(error)
}
