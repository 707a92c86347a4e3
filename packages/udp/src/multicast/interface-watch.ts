import { type NetworkInterface, readInterfaces } from './interfaces.ts'

/**
 * Told at each look, and whether the interfaces are others than at the one before. It must not throw: it
 * runs on the timer that all share.
 */
export type InterfaceWatcher = (interfaces: readonly NetworkInterface[], changed: boolean) => void

/** What a watch works with; the tests bring their own. */
export interface WatchParts {
  read?: () => readonly NetworkInterface[]
  /** Milliseconds between two looks. */
  interval?: number
  /** Calls back again and again until what it returns is called; alone, it keeps no process alive. */
  every?: (look: () => void, interval: number) => () => void
}

const defaultInterval = 5_000

/**
 * Tells when interfaces come, go or change their addresses. The runtime has no event for that, so this looks
 * from time to time, with one timer for all who watch, and with none while nobody does.
 */
export class InterfaceWatch {
  readonly #read: () => readonly NetworkInterface[]
  readonly #interval: number
  readonly #every: (look: () => void, interval: number) => () => void
  readonly #watchers = new Set<InterfaceWatcher>()
  #stop: (() => void) | undefined
  #known: readonly NetworkInterface[] = []
  #text = textOf([])

  constructor({ read = readInterfaces, interval = defaultInterval, every = everyUnref }: WatchParts = {}) {
    this.#read = read
    this.#interval = interval
    this.#every = every
  }

  /** Looks now. When something has changed, all who watch are told before this returns. */
  look(): readonly NetworkInterface[] {
    if (this.#refresh()) this.#tell(true)
    return this.#known
  }

  /** Has `watcher` told from the next look on, until what this returns is called. */
  watch(watcher: InterfaceWatcher): () => void {
    // What was known when somebody last watched may be long gone.
    if (this.#watchers.size === 0) this.#refresh()
    this.#watchers.add(watcher)
    this.#stop ??= this.#every(() => this.#tell(this.#refresh()), this.#interval)
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    }
  }

  /** Whether it changed. A system that does not answer says nothing: what was known stays. */
  #refresh(): boolean {
    try {
      const known = this.#read()
      const text = textOf(known)
      const changed = text !== this.#text
      this.#known = known
      this.#text = text
      return changed
    } catch {
      return false
    }
  }

  #tell(changed: boolean): void {
    for (const watcher of this.#watchers) watcher(this.#known, changed)
  }
}

/** The one that everybody in this process shares. */
export const interfaceWatch = new InterfaceWatch()

function textOf(interfaces: readonly NetworkInterface[]): string {
  return JSON.stringify(interfaces)
}

function everyUnref(look: () => void, interval: number): () => void {
  const timer = setInterval(look, interval).unref()
  return () => clearInterval(timer)
}
