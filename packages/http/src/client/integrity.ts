import { createHash } from 'node:crypto'

/** From the weakest to the strongest (Subresource Integrity section 3.2). */
const algorithms = ['sha256', 'sha384', 'sha512']

interface Metadata {
  readonly algorithm: string
  /** In base64 without padding, whichever of its two alphabets it came in. */
  readonly value: string
}

/**
 * Refuses metadata that nothing could be held to. The standard would take it for satisfied, so that pages still work
 * once there are new algorithms; here somebody relies on it.
 *
 * @throws TypeError
 */
export function checkMetadata(integrity: string): void {
  if (integrity.trim() === '' || parse(integrity).length > 0) return
  throw new TypeError('Invalid option integrity: it has no sha256, sha384 or sha512')
}

/** @throws TypeError where the strongest hashes of `integrity` are all those of something else. */
export function checkIntegrity(bytes: Uint8Array, integrity: string, attempt: string): void {
  const all = parse(integrity)
  const strongest = all.reduce((most, { algorithm }) => Math.max(most, algorithms.indexOf(algorithm)), -1)
  const algorithm = algorithms[strongest]
  if (algorithm === undefined) return
  const actual = bare(createHash(algorithm).update(bytes).digest('base64'))
  if (all.some((metadata) => metadata.algorithm === algorithm && metadata.value === actual)) return
  throw new TypeError(
    `Cannot ${attempt}: the body is another one than integrity says; its ${algorithm} is ${actual}`,
  )
}

function parse(integrity: string): Metadata[] {
  const all: Metadata[] = []
  for (const item of integrity.split(/[\t\n\f\r ]+/)) {
    const [, algorithm, value] = /^(sha(?:256|384|512))-([^?]*)/i.exec(item) ?? []
    if (algorithm !== undefined && value !== undefined)
      all.push({ algorithm: algorithm.toLowerCase(), value: bare(value) })
  }
  return all
}

function bare(base64: string): string {
  return base64
    .replace(/={1,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
}
