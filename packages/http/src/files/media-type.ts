import { lookup } from 'mrmime'

import { extensions } from './extensions.ts'

/** What nobody knows anything of. */
const unknown = 'application/octet-stream'

/**
 * Those of which browsers guess the charset by the language of the user, unless they are told. XML says its own
 * (RFC 7303 section 3), and JSON has none (RFC 8259 section 11).
 */
const guessed = /^(?:text\/(?!xml$|rtf$)|application\/(?:java|ecma)script$)/

/**
 * The media type of a file by the extension of its name, and `application/octet-stream` where that tells nothing.
 * Text is UTF-8.
 *
 * @param types by extension in lower case, with or without its dot, as they are sent: they go before what is known
 */
export function mediaType(name: string, types?: Readonly<Record<string, string>>): string {
  const extension = extensionOf(name)
  if (extension === undefined) return unknown
  const own = ownType(types, extension)
  if (own !== undefined) return own
  const type = extensions.get(extension) ?? registered(extension) ?? unknown
  return guessed.test(type) ? `${type}; charset=utf-8` : type
}

/** In lower case; none where the only dot is the first character, which hides a file. */
function extensionOf(name: string): string | undefined {
  const dot = name.lastIndexOf('.')
  return dot > name.lastIndexOf('/') + 1 ? name.slice(dot + 1).toLowerCase() : undefined
}

function ownType(types: Readonly<Record<string, string>> | undefined, extension: string): string | undefined {
  if (types === undefined) return undefined
  if (Object.hasOwn(types, extension)) return types[extension]
  return Object.hasOwn(types, `.${extension}`) ? types[`.${extension}`] : undefined
}

/** The table of the library is an object like any other, so it has a `constructor` as well. */
function registered(extension: string): string | undefined {
  const type: unknown = lookup(extension)
  return typeof type === 'string' ? type : undefined
}
