/** What a terminal would obey, and what turns the direction of writing round so that `exe.txt` reads `txt.exe`. */
const unseen = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** What means something to the file system of Windows: drives, streams, patterns. */
const special = /[<>:"|?*]/g

/** Names of devices there, whatever stands behind them. */
const device = /^(?:con|prn|aux|nul|(?:com|lpt)[\d\u00b9\u00b2\u00b3])(?:\..*)?$/i

/**
 * A file name as somebody sent it, made into one that means a file of a folder, and nothing else, on every system: its
 * last segment, without control characters; a character that is special somewhere is `_`. Empty where nothing is left.
 */
export function safeName(sent: string): string {
  const last = sent.slice(Math.max(sent.lastIndexOf('/'), sent.lastIndexOf('\\')) + 1)
  const name = trimmed(last.replace(unseen, '').replace(special, '_'))
  return device.test(name) ? `_${name}` : name
}

/** Without what Windows leaves off. By hand: an expression would take the square of the time for a row of dots. */
function trimmed(name: string): string {
  let start = 0
  let end = name.length
  while (name[start] === ' ') start++
  while (end > start && (name[end - 1] === '.' || name[end - 1] === ' ')) end--
  return name.slice(start, end)
}
