/** What `stat` with `bigint` tells of a file. */
export interface FileFacts {
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly ino: bigint
}

/**
 * Nanoseconds in which a file that changes again may look the same: clocks of file systems tick, those of Linux every
 * few milliseconds, those of FAT every two seconds.
 */
const tick = 2_000_000_000n

/** Odd, and as good as any: it spreads what is multiplied over 64 bits (the golden ratio). */
const spread = 0x9e3779b97f4a7c15n

/**
 * The entity-tag of a file, by its facts. It is strong when the file was last changed two seconds ago or more. Before
 * that it is weak, since a strong one has to change with every change (RFC 9110 section 8.8.1), and not even the weak
 * form of the strong one to come: who got the file between two changes of the same tick asks for it once more.
 *
 * The time of the change of the inode counts as well, because programs set that of the content back (`cp -p`, `tar`,
 * `rsync`); so does the inode itself, for a file that takes the place of another. The two are not told: what they tell
 * of the disk is nobody's concern.
 *
 * @param now in milliseconds since the epoch
 */
export function statTag({ size, mtimeNs, ctimeNs, ino }: FileFacts, now: number = Date.now()): string {
  const mixed = BigInt.asUintN(64, (ctimeNs * spread) ^ (ino * spread * spread))
  const facts = `${size.toString(36)}-${mtimeNs.toString(36)}-${mixed.toString(36)}`
  return isSettled({ mtimeNs, ctimeNs }, now) ? `"${facts}"` : `W/"${facts}-new"`
}

/** Whether another change would be seen in these facts: they are no newer than a tick. */
export function isSettled(
  { mtimeNs, ctimeNs }: Pick<FileFacts, 'mtimeNs' | 'ctimeNs'>,
  now: number = Date.now(),
): boolean {
  const asked = BigInt(Math.floor(now)) * 1_000_000n
  // A time ahead was set by hand: it tells of no change to come.
  const changed = mtimeNs > ctimeNs && mtimeNs <= asked ? mtimeNs : ctimeNs
  return asked - changed >= tick
}

/** For a variant in a content coding, which is another representation (RFC 9110 section 8.8.3.3). */
export function withCoding(tag: string, coding: string): string {
  return `${tag.slice(0, -1)}-${coding}"`
}
