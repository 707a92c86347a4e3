import { readFileSync, readdirSync } from 'node:fs'

/**
 * A case from `transcripts/*.md`: bytes in, events out. The notation is told in `transcripts/README.md`.
 */
export interface Transcript {
  readonly file: string
  readonly title: string
  readonly role: 'request' | 'response'
  readonly bytes: Buffer
  readonly events: readonly string[]
  /** Response only: the methods of the requests that were sent. */
  readonly methods: readonly string[]
  readonly limits: Readonly<Record<string, number>>
  /** The stream ends after the bytes. */
  readonly eof: boolean
}

const folder = new URL('transcripts/', import.meta.url)

export function allTranscripts(): Transcript[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md')
  return files
    .toSorted()
    .flatMap((name) => parseTranscripts(name, readFileSync(new URL(name, folder), 'utf8')))
}

function parseTranscripts(file: string, markdown: string): Transcript[] {
  const sections = markdown.split(/^## /m).slice(1)
  return sections.map((section) => {
    const title = section.slice(0, section.indexOf('\n')).trim()
    const blocks = [...section.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)]
    const input = blocks.find(([, kind]) => kind === 'request' || kind === 'response')
    const events = blocks.find(([, kind]) => kind === 'events')
    if (input === undefined || events === undefined || blocks.length !== 2) {
      throw new Error(`${file}: "${title}" needs one block of bytes and one of events`)
    }
    const [, role, info, text] = input as unknown as [string, 'request' | 'response', string, string]
    return { file, title, role, ...parseInfo(info), bytes: unescape(text), events: lines(events[3]!) }
  })
}

/** `to HEAD,GET`, `eof`, `headBytes=64` in any order. */
function parseInfo(info: string): Pick<Transcript, 'methods' | 'limits' | 'eof'> {
  const limits: Record<string, number> = {}
  let methods = ['GET']
  let eof = false
  const words = info.split(' ').filter(Boolean)
  for (const [index, word] of words.entries()) {
    const [name, value] = word.split('=') as [string, string | undefined]
    if (word === 'eof') eof = true
    else if (words[index - 1] === 'to') methods = word.split(',')
    else if (value !== undefined) limits[name] = Number(value)
    else if (word !== 'to') throw new Error(`unknown word in a transcript: ${word}`)
  }
  return { methods, limits, eof }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}

const NAMED: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', s: ' ', '0': '\0', '\\': '\\' }

/** Each line ends with CR LF, unless a backslash stands at its end. */
function unescape(text: string): Buffer {
  if (/[ \t]$/m.test(text)) throw new Error('white space at the end of a line gets lost: write \\s or \\t')
  const joined = text.replace(/(\\*)\n/g, (_, slashes: string) =>
    slashes.length % 2 === 1 ? slashes.slice(1) : `${slashes}\r\n`,
  )
  const bytes = joined.replace(/\\(?:x([\da-f]{2})|(\d+)\{(.*?)\}|(.))/g, (_, hex, times, repeated, name) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (times !== undefined) return unescape(`${repeated}\\\n`).toString('latin1').repeat(Number(times))
    const byte = NAMED[name as string]
    if (byte === undefined) throw new Error(`unknown escape in a transcript: \\${name}`)
    return byte
  })
  return Buffer.from(bytes, 'latin1')
}

/** The inverse, for events: printable, on one line; long things by their length. */
export function escape(text: string): string {
  if (text.length > 120) return `${text.length} bytes`
  const safe = text.replace(/[^ -~]|["\\]/g, (char) => {
    const name = Object.entries(NAMED).find(([key, byte]) => byte === char && key !== 's')?.[0]
    return char === '"'
      ? char
      : name === undefined
        ? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
        : `\\${name}`
  })
  return `"${safe}"`
}
