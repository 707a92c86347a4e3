const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** `2345678` is `2.3 MB`: decimal units, as the server itself writes them. */
export function size(bytes) {
  let power = 0
  while (bytes >= 999.5 && power < UNITS.length - 1) {
    bytes /= 1000
    power++
  }
  return `${power > 0 && bytes < 99.95 ? bytes.toFixed(1) : Math.round(bytes)} ${UNITS[power]}`
}

/** The time of day for today, else the date. */
export function moment(iso) {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return ''
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString([], { day: 'numeric', month: 'short', year: 'numeric' })
}
