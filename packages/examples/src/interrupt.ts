import { reasonOf } from './reason.ts'

/** Milliseconds in which one Ctrl-C may arrive several times: the terminal tells npm and us, and npm tells us, too. */
const oneInterrupt = 1_000

/**
 * Calls `stop` when the program is asked to end, and then ends it with exit code 0. Whoever asks again later
 * does not want to wait any longer.
 */
export function onInterrupt(stop: () => Promise<void>): void {
  let askedAt: number | undefined
  const interrupted = (): void => {
    if (askedAt !== undefined) {
      if (performance.now() - askedAt > oneInterrupt) process.exit(130)
      return
    }
    askedAt = performance.now()
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`fairlead: cannot stop in good order: ${reasonOf(error)}`)
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted)
}
