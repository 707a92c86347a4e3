import { checkSignal } from './checks.ts'
import { defaultGrace } from './defaults.ts'
import type { CloseOptions, CloseReason, ResourceState } from './resource.ts'

/** The one-way latch that each resource composes: open, closing, closed, and why. */
export class Lifecycle {
  state: ResourceState = 'open'
  reason: CloseReason | undefined
  #closed: Promise<CloseReason> | undefined
  #resolve: ((reason: CloseReason) => void) | undefined

  /** Made when somebody asks for it: most connections are never asked. */
  get closed(): Promise<CloseReason> {
    this.#closed ??= this.reason
      ? Promise.resolve(this.reason)
      : new Promise((resolve) => (this.#resolve = resolve))
    return this.#closed
  }

  /** Open to closing. False if that is past. */
  begin(): boolean {
    if (this.state !== 'open') return false
    this.state = 'closing'
    return true
  }

  /** To closed, with the reason. False if that is past. */
  finish(reason: CloseReason): boolean {
    if (this.state === 'closed') return false
    this.state = 'closed'
    this.reason = reason
    this.#resolve?.(reason)
    return true
  }

  /** Waits until closed; an aborted signal ends the waiting only. */
  async settled(signal?: CloseOptions['signal']): Promise<void> {
    if (this.state === 'closed') return
    await (signal ? unlessAborted(this.closed, signal) : this.closed)
  }
}

/** Settles as `promise` does, or rejects with `signal.reason` when that comes first. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** The longest time a timer of the runtime can hold, in milliseconds. */
const longest = 2_147_483_647

/** The grace asked for, or the default; refuses what is not a time, and a signal that is none. */
export function graceOf(options: CloseOptions | undefined): number {
  checkSignal(options?.signal)
  const grace = options?.grace ?? defaultGrace
  if (typeof grace === 'number' && grace >= 0 && grace <= longest) return grace
  throw new RangeError(`Invalid option grace: ${String(grace)} is not a number of milliseconds`)
}
