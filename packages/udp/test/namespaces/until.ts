/** Waits for something that has no event. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUp = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`Never came true: ${condition.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
