/** Structured text of any kind, by its name or its suffix (RFC 6839, RFC 9512): `application/problem+json`, `image/svg+xml`. */
const structured = /[+/](?:json|json-seq|xml|yaml)$/

/** Text that is not called so, and WebAssembly, which halves. */
const others = new Set([
  'application/ecmascript',
  'application/graphql',
  'application/javascript',
  'application/jsonl',
  'application/jwk-set',
  'application/rtf',
  'application/sql',
  'application/toml',
  'application/wasm',
  'application/x-javascript',
  'application/x-ndjson',
  'application/x-sh',
  'application/x-www-form-urlencoded',
])

/** The type of a Content-Type, in lower case and without parameters. */
export function mediaTypeOf(contentType: string | null): string | undefined {
  return contentType?.split(';', 1)[0]!.trim().toLowerCase()
}

/** Whether compressing what is of that type makes it smaller: not images, sound, video, fonts, archives. */
export function gainsByType(type: string | undefined): boolean {
  if (type === undefined) return false
  return type.startsWith('text/') || structured.test(type) || others.has(type)
}

/** Whether it stays open for as long as its client does, and is silent most of that time. */
export function isEventStream(type: string | undefined): boolean {
  return type === 'text/event-stream'
}
