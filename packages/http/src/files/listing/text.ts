const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML, in elements and in attributes. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] as string)
}

/** What turns the text behind it around, so that `exe.jpg` is read where `gpj.exe` stands (Unicode UAX 9 section 2). */
const turning = /[\u202a-\u202e\u2066-\u2069]/g

/** A name in HTML, that no other text is turned around by, nor itself. */
export function nameHtml(name: string): string {
  const safe = escape(name).replace(turning, (character) => `<i>${codePoint(character)}</i>`)
  return `<bdi>${safe}</bdi>`
}

/** The same where no elements are. */
export function nameText(name: string): string {
  return escape(name.replace(turning, (character) => `[${codePoint(character)}]`))
}

function codePoint(character: string): string {
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `2345678` is `2.3 MB`, in decimal units. */
export function sizeText(bytes: number): string {
  let power = 0
  let size = bytes
  while (size >= 999.5 && power < units.length - 1) {
    size /= 1000
    power++
  }
  return `${power > 0 && size < 99.95 ? size.toFixed(1) : Math.round(size)} ${units[power]}`
}

/** `2345678` is `2,345,678`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `3 files`, `1 file`. */
export function countOf(count: number, one: string, more = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : more}`
}
