import { type BigIntStats, close, fstatSync, open, read, readlinkSync } from 'node:fs'

/** Opens a file. The calls below are those of `node:fs/promises` without its handles, which cost as much as the rest. */
export function openDescriptor(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, descriptor) => (error ? reject(error) : resolve(descriptor)))
  })
}

/** At once: what is open has its facts in memory, and a way through the pool of threads costs more than to look. */
export function statOf(descriptor: number): BigIntStats {
  return fstatSync(descriptor, { bigint: true })
}

/** @returns how many bytes were read; 0 at the end. */
export function readInto(
  descriptor: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, offset, length, position, (error, count) =>
      error ? reject(error) : resolve(count),
    )
  })
}

/** Where Linux tells the true name of what is open, under the number of its descriptor. */
const descriptors = '/proc/self/fd'

/** A name of what is open that leads there, whatever becomes of its own. */
export function nameOf(descriptor: number): string {
  return `${descriptors}/${descriptor}`
}

/** The true name of what is open, past all links; undefined where the system does not tell. At once, too. */
export function trueNameOf(descriptor: number): string | undefined {
  if (!tells) return undefined
  try {
    return readlinkSync(nameOf(descriptor))
  } catch {
    return undefined
  }
}

const tells = process.platform === 'linux'

/** Nobody can do anything about a descriptor that does not close. */
export function closeDescriptor(descriptor: number): void {
  close(descriptor, () => {})
}
