import type { IpAddress } from '@fairlead/udp'
import type { Peer } from '@fairlead/udp/discovery'

import { keyOf } from '../hub/talk.ts'
import { nameOf, Neighbour } from './neighbour.ts'

/** Names that are remembered of those who left. */
const mostRemembered = 1_000

/** Who is there, and what to call them: `ben`, or `ben#1` and `ben#2` while there are two of that name. */
export class Roster {
  readonly #own: string
  readonly #here = new Map<string, Neighbour>()
  /** Keys of names that were here, the longest gone first. */
  readonly #left = new Set<string>()

  /** The name of the one who looks is taken. */
  constructor(own: string) {
    this.#own = keyOf(own)
  }

  /** All who are there; the longest known first. */
  get neighbours(): Neighbour[] {
    return [...this.#here.values()]
  }

  /** All who are there, each address once: several ids that claim one are one program, or a joke. */
  get reachable(): Neighbour[] {
    return this.neighbours.filter((it, at, all) => all.findIndex(({ where }) => where === it.where) === at)
  }

  /** Somebody announced something. Returns who has arrived by that, and whether one of that name was here before. */
  meet(peer: Peer): { arrived: Neighbour; back: boolean } | undefined {
    const known = this.#here.get(peer.id)
    if (known) {
      known.update(peer)
      return undefined
    }
    const key = keyOf(nameOf(peer))
    const arrived = new Neighbour(peer, this.#freeNumber(key))
    this.#here.set(peer.id, arrived)
    return { arrived, back: this.#left.delete(key) }
  }

  /** Somebody is there no more. Returns who that was. */
  lose(id: string): Neighbour | undefined {
    const lost = this.#here.get(id)
    if (!lost) return undefined
    this.#here.delete(id)
    lost.leave()
    this.#left.add(keyOf(lost.name))
    for (const oldest of this.#left) {
      if (this.#left.size <= mostRemembered) break
      this.#left.delete(oldest)
    }
    return lost
  }

  /** Who sends from there; of several who claim it, the longest known. */
  at(from: IpAddress): Neighbour | undefined {
    return this.neighbours.find((it) => it.isAt(from))
  }

  /** Who is meant: one, or all of that name. */
  called(label: string): Neighbour[] {
    const key = keyOf(label)
    const meant = this.neighbours.filter((it) => keyOf(this.labelOf(it)) === key)
    return meant.length > 0 ? meant : this.#named(key)
  }

  /** What to call somebody who is, or just was, there. */
  labelOf(neighbour: Neighbour): string {
    const { name, number } = neighbour
    const key = keyOf(name)
    const alone = key !== this.#own && this.#named(key).every((it) => it === neighbour)
    return alone ? name : `${name}#${number}`
  }

  #named(key: string): Neighbour[] {
    return this.neighbours.filter(({ name }) => keyOf(name) === key)
  }

  #freeNumber(key: string): number {
    const taken = new Set(this.#named(key).map((it) => it.number))
    let number = key === this.#own ? 2 : 1
    while (taken.has(number)) number++
    return number
  }
}
