import type { Listener } from './listener.ts'
import type { CloseOptions } from './resource.ts'

/**
 * Ends a program of several listeners: suspends all of them before it waits for any, then closes all within
 * one `grace`. Resolves when every listener is closed.
 *
 * @throws `signal.reason` when the signal ends the waiting; the closing goes on.
 * @example
 * ```ts
 * process.once('SIGINT', () => shutdown([web, chat], { grace: 3_000 }))
 * ```
 */
export async function shutdown(
  listeners: Iterable<Pick<Listener<unknown>, 'suspend' | 'close'>>,
  options?: CloseOptions,
): Promise<void> {
  const all = [...listeners]
  // One that cannot must not keep the others open; closing it says what is wrong.
  await Promise.allSettled(all.map((listener) => listener.suspend()))
  await Promise.all(all.map((listener) => listener.close(options)))
}
