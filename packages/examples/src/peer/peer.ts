import { setTimeout } from 'node:timers/promises'

import { bind } from '@fairlead/udp'
import { announce, discover, type Discovery } from '@fairlead/udp/discovery'

import { hostFor } from '../hub/host.ts'
import type { Tell } from './event.ts'
import { Post } from './post.ts'
import { Roster } from './roster.ts'

/** What peers announce, and look for. */
const type = 'fairlead-peer'

export interface PeerOptions {
  name: string
  /** UDP port for messages; 0 lets the system choose. */
  port: number
  /** UDP port at which all find each other. Default what discovery has. */
  discoveryPort?: number | undefined
  /** Milliseconds after which others give up a peer that is not heard any more. */
  lifetime: number
  /** Opens the peer to the network. */
  lan: boolean
  /** Told what happens. */
  tell: Tell
}

/** A peer that others find, and that knows who is there. */
export interface RunningPeer {
  readonly roster: Roster
  readonly post: Post
  /** Says goodbye, once what is on its way has arrived, or after `grace` milliseconds. */
  leave(grace: number): Promise<void>
}

/** Opens a socket for messages, announces it, and follows who else does so. */
export async function startPeer(options: PeerOptions): Promise<RunningPeer> {
  const { name, lan, lifetime, tell } = options
  const place = {
    family: 4,
    ...(lan ? { broadcast: true } : { interfaces: ['127.0.0.1'] }),
    ...(options.discoveryPort !== undefined && { port: options.discoveryPort }),
  } as const
  const socket = await bind({ host: lan ? '0.0.0.0' : '127.0.0.1', port: options.port })
  const { port } = socket.address
  const roster = new Roster(name)
  const post = new Post(socket, roster, tell)
  const opened: AsyncDisposable[] = [post]
  try {
    const announcement = await announce({ type, name, port }, { ...place, lifetime })
    opened.unshift(announcement)
    const discovery = await discover({ type }, { ...place, except: announcement.id })
    opened.push(discovery)
    tell({ event: 'opened', name, address: `${lan ? hostFor() : '127.0.0.1'}:${port}`, lan })
    void follow(discovery, options, roster)
    return {
      roster,
      post,
      async leave(grace) {
        const sent = roster.neighbours.map(({ outbox }) => outbox.empty)
        await Promise.race([Promise.all(sent), setTimeout(grace, undefined, { ref: false })])
        await close(opened)
      },
    }
  } catch (error) {
    await close(opened)
    throw error
  }
}

/** Keeps the roster, and tells who comes and goes. */
async function follow(discovery: Discovery, { tell }: PeerOptions, roster: Roster): Promise<void> {
  for await (const { kind, peer } of discovery) {
    if (kind === 'lost') {
      const left = roster.lose(peer.id)
      // A goodbye comes before the announcement has expired.
      if (left) tell({ event: 'left', peer: roster.labelOf(left), lost: performance.now() >= peer.expires })
    } else {
      const met = roster.meet(peer)
      if (!met) continue
      const { arrived, back } = met
      tell({ event: 'arrived', peer: roster.labelOf(arrived), address: arrived.where, back })
    }
  }
}

/** One after the other, the goodbye first: until it is heard, others may write. */
async function close(opened: readonly AsyncDisposable[]): Promise<void> {
  for (const it of opened) await it[Symbol.asyncDispose]()
}
