/** The readers of a body, which the types of Node know but in part. */
export type Readers = Record<'arrayBuffer' | 'bytes' | 'json' | 'text', () => Promise<unknown>>

/** What a piece of code brings about, in a form that two runs of it can be compared by. */
export async function told(run: () => unknown): Promise<unknown> {
  try {
    return plain(await run())
  } catch (error) {
    return { threw: (error as Error).constructor.name }
  }
}

function plain(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return ['ArrayBuffer', ...new Uint8Array(value)]
  if (value instanceof Uint8Array) return ['Uint8Array', ...value]
  if (typeof value === 'object' && value !== null && Symbol.iterator in value) {
    return Array.from(value as Iterable<unknown>, plain)
  }
  return value
}
