/** Lets the event loop go round. */
export async function turn(count = 1): Promise<void> {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve))
}

/** So many turns that whatever was under way between two ends on this machine has arrived, or never will. */
export function quiet(): Promise<void> {
  return turn(40)
}

/** Milliseconds after which what was waited for is taken to never happen. */
const patience = 5_000

/** Resolves when `condition` holds; looks once a turn, for {@link patience}. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + patience
  for (let turns = 0; !condition(); turns++) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}`)
    // A wait that takes longer should not burn the processor that the other side needs.
    if (turns < 200) await turn()
    else await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Settles as `promise` does, or rejects after {@link patience}. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited in vain until ${what}`)), patience)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Whether `promise` has settled by now, give or take a turn. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  const note = (): void => void (done = true)
  promise.then(note, note)
  await turn()
  return done
}

/** What `promise` rejects with; fails when it resolves. */
export async function failureOf(promise: Promise<unknown>, what: string): Promise<unknown> {
  const failed = promise.then(
    () => ({ ok: true as const }),
    (error: unknown) => ({ ok: false as const, error }),
  )
  const outcome = await soon(failed, `${what} is refused`)
  if (outcome.ok) throw new Error(`Expected ${what} to be refused`)
  return outcome.error
}
