const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** `2345678` is `2.3 MB`: decimal units, as the page shows them. */
export function formatSize(bytes: number): string {
  let power = 0
  while (bytes >= 999.5 && power < units.length - 1) {
    bytes /= 1000
    power++
  }
  return `${power > 0 && bytes < 99.95 ? bytes.toFixed(1) : Math.round(bytes)} ${units[power]}`
}

/** Reads `500`, `1.5 GB` or `200mb`. Undefined for what is no size. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = 'B'] = /^(\d{1,15}(?:\.\d{1,9})?) ?([kmgt]?b)?$/i.exec(text.trim()) ?? []
  if (number === undefined) return undefined
  const power = units.findIndex((name) => name.toLowerCase() === unit.toLowerCase())
  const bytes = Math.floor(Number(number) * 1000 ** power)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}
