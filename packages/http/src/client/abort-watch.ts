/** Who is to be told when a signal is aborted. */
export interface Abortable {
  aborted(): void
}

/** The one listener on each signal, and whom it tells. */
const watched = new WeakMap<AbortSignal, Watch>()

/**
 * All that one signal ends. A signal that ends every request of a program, such as that of its shutdown, has one
 * listener for all of them: the runtime warns of more than ten.
 */
class Watch {
  readonly #all = new Set<Abortable>()
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(one: Abortable): void {
    if (this.#all.size === 0) this.#signal.addEventListener('abort', this)
    this.#all.add(one)
  }

  delete(one: Abortable): void {
    if (this.#all.delete(one) && this.#all.size === 0) this.#signal.removeEventListener('abort', this)
  }

  handleEvent(): void {
    for (const one of this.#all) one.aborted()
  }
}

/** Tells `one`, once, when `signal` is aborted, unless {@link unwatch} was called before. */
export function watch(signal: AbortSignal, one: Abortable): void {
  let all = watched.get(signal)
  if (all === undefined) watched.set(signal, (all = new Watch(signal)))
  all.add(one)
}

/** `one` does not want to be told any more. May be repeated. */
export function unwatch(signal: AbortSignal, one: Abortable): void {
  watched.get(signal)?.delete(one)
}
