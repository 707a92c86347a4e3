import { ipAddress } from '@fairlead/core'
import type { Peer } from '@fairlead/udp/discovery'
import { afterEach, expect } from 'vitest'

import { Conversation } from '../../src/peer/conversation.ts'
import { describe, type PeerEvent } from '../../src/peer/event.ts'
import { type RunningPeer, startPeer } from '../../src/peer/peer.ts'

/** A discovery port for one test file: below the ephemeral ones, and another in each process. */
export const discoveryPort = 10_000 + (process.pid % 7_000)

const cast = new Set<Actor>()

/** Behind each test all have left. */
afterEach(async () => {
  await Promise.all(Array.from(cast, (actor) => actor.leave()))
})

/** Somebody at a peer, who remembers all that it tells. */
export class Actor {
  readonly events: PeerEvent[] = []
  peer!: RunningPeer
  #conversation!: Conversation

  static async enter(name: string): Promise<Actor> {
    const actor = new Actor()
    const tell = (event: PeerEvent): void => void actor.events.push(event)
    actor.peer = await startPeer({ name, port: 0, discoveryPort, lifetime: 15_000, lan: false, tell })
    actor.#conversation = new Conversation(actor.peer, tell)
    cast.add(actor)
    return actor
  }

  /** What a person would read. */
  get lines(): string[] {
    return this.events.flatMap(describe)
  }

  get address(): string {
    const [opened] = this.events
    return opened?.event === 'opened' ? opened.address : ''
  }

  async types(...lines: string[]): Promise<void> {
    for (const line of lines) await this.#conversation.obey(line)
  }

  async reads(line: string): Promise<void> {
    await expect.poll(() => this.lines).toContain(line)
  }

  async leave(): Promise<void> {
    if (cast.delete(this)) await this.peer.leave(1_000)
  }
}

/** What discovery knows of somebody. */
export function peerOf(name: string, id: string, port = 4_000, host = '127.0.0.1'): Peer {
  const address = ipAddress(host, port)
  return { id, type: 'fairlead-peer', name, address, addresses: [address], data: {}, expires: Infinity }
}
