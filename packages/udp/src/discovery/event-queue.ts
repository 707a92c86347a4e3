import { BusyError } from '@fairlead/core'

import type { DiscoveryEvent } from './peer.ts'

const done = { value: undefined, done: true } as const

type Result = IteratorResult<DiscoveryEvent, undefined>

/**
 * Events that wait for somebody who iterates. There is one for each peer at most, so that a slow reader holds no
 * more than there are peers: he misses what happened in between, never what came of it.
 */
export class EventQueue {
  readonly #pending = new Map<string, DiscoveryEvent>()
  #resolve: ((result: Result) => void) | undefined
  #reading = false
  #ended = false

  push(event: DiscoveryEvent): void {
    if (this.#ended) return
    const { id } = event.peer
    const merged = merge(this.#pending.get(id), event)
    if (!merged) this.#pending.delete(id)
    else if (this.#resolve) this.#settle({ value: merged, done: false })
    else this.#pending.set(id, merged)
  }

  /** There will be no more; what was not read is dropped. */
  end(): void {
    this.#ended = true
    this.#pending.clear()
    this.#settle(done)
  }

  iterate(): AsyncIterator<DiscoveryEvent, undefined> {
    if (this.#reading) throw new BusyError('Cannot iterate: discovery has a reader already')
    this.#reading = true
    let left = false
    return {
      next: async () => (left ? done : this.#take()),
      return: async () => {
        if (!left) this.#reading = false
        left = true
        this.#settle(done)
        return done
      },
    }
  }

  #take(): Promise<Result> | Result {
    if (this.#resolve) throw new BusyError('Cannot read: a read is under way already')
    if (this.#ended) return done
    for (const [id, value] of this.#pending) {
      this.#pending.delete(id)
      return { value, done: false }
    }
    return new Promise((resolve) => (this.#resolve = resolve))
  }

  #settle(result: Result): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    resolve?.(result)
  }
}

/** One event that says what two say; undefined when they say nothing. */
function merge(
  before: DiscoveryEvent | undefined,
  { kind, peer }: DiscoveryEvent,
): DiscoveryEvent | undefined {
  if (before?.kind === 'found') return kind === 'lost' ? undefined : { kind: 'found', peer }
  if (before?.kind === 'lost' && kind === 'found') return { kind: 'changed', peer }
  return { kind, peer }
}
