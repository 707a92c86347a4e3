import sanitize from 'sanitize-filename'

/** In bytes, as file systems count: room is left below their 255 for ` (2)` and `.part`. */
const longest = 200

/** Beyond this the front of a name is not even looked at. */
const longestLooked = 1_000

/** Marks that turn the direction of text, so that `exe.gpj` reads `jpg.exe`; and the second line of a line. */
const deceiving = /[\u007f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g

/**
 * The name under which a file that somebody calls `wanted` may lie in a folder, on every system: the last
 * segment of a path, in Unicode's composed form, without what is special to a shell, a terminal or a file
 * system. A safe name stays as it is.
 */
export function safeName(wanted: string): string {
  // Through bytes and back, for half a surrogate pair has no place on a disk.
  const last = Buffer.from(wanted.split(/[/\\]/).at(-1) ?? '')
    .toString()
    .normalize('NFC')
  const visible = last
    .slice(-longestLooked)
    .replace(deceiving, '')
    .replace(/^[\s.]+/, '')
  const clean = sanitize(shortened(visible)).trim()
  // Taking something away may bring something else to the front.
  if (clean === '') return 'unnamed'
  return clean === wanted ? clean : safeName(clean)
}

/** Whether `name` can be the name of a shared file as it stands. */
export function isSafeName(name: string): boolean {
  return name !== '' && safeName(name) === name
}

/** `report.pdf` and 2 make `report (2).pdf`. */
export function numbered(name: string, number: number): string {
  if (number === 1) return name
  const { stem, extension } = parts(name)
  return `${stem} (${number})${extension}`
}

/** Takes from the end of the stem what is too much, never half a character. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= longest) return name
  const { stem, extension } = parts(name)
  const room = Math.max(0, longest - Buffer.byteLength(extension))
  const kept = new TextDecoder().decode(Buffer.from(stem).subarray(0, room), { stream: true })
  return kept + extension
}

/** What is longer than any kind of file is no extension. */
function parts(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.')
  if (dot <= 0 || name.length - dot > 20) return { stem: name, extension: '' }
  return { stem: name.slice(0, dot), extension: name.slice(dot) }
}
