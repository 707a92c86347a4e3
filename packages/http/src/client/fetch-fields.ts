import { Fields } from '../codec/index.ts'
import { equalsFolded } from '../codec/tokens.ts'
import type { HeaderList } from '../web/header-list.ts'
import { copyList } from '../web/headers.ts'
import { ofThisMessage, without } from '../web/message-fields.ts'
import { isServed } from '../web/served-request.ts'

/** What decides on the fields of a request. */
export interface FetchFields {
  /** The headers of the init, or of the request. */
  readonly given: unknown
  /** The request that they belong to. */
  readonly from: object | undefined
  /** Whether its body goes along. */
  readonly withBody: boolean
  readonly cache: string
  /** The client's own. */
  readonly defaults: Fields | undefined
}

/** Most requests say nothing of themselves. */
const standard = new Fields(['Accept', '*/*', 'Accept-Language', '*'])

/**
 * The fields of a request: those given, and those that the standard adds (sections 4.3 and 4.5). User-Agent,
 * Accept-Encoding and the type of most bodies the client adds itself.
 *
 * @throws TypeError for what is no header.
 */
export function fieldsOf({ given, from, withBody, cache, defaults }: FetchFields): Fields {
  let list: HeaderList = given === undefined ? [] : copyList(given)
  if (from) list = ofRequest(list, from, withBody)
  if (list.length === 0 && !defaults && cache === 'default') return standard
  const seen = new Seen(list)
  const add = (name: string, value: string): void => {
    if (!defaults?.has(name)) list.push(name, value)
  }
  if (!seen.accept) add('Accept', '*/*')
  if (!seen.language) add('Accept-Language', '*')
  // Of a part of an encoded body nobody could decode anything.
  if (seen.range && !seen.encoding) list.push('Accept-Encoding', 'identity')
  tellCaches(list, seen, cache)
  return new Fields(list)
}

/** The fields that tell of a decoded body what it is not any more. */
export function decodedFields(raw: readonly string[]): HeaderList {
  return without(raw, (name) => name === 'content-encoding' || name === 'content-length')
}

/**
 * Fields that came with a request are for this one but for those of its connection, and of its length, unless the
 * body goes along. A request that our server got was meant for another host, and what it says to a proxy for us.
 */
function ofRequest(list: HeaderList, request: object, withBody: boolean): HeaderList {
  const served = isServed(request)
  return without(
    ofThisMessage(list),
    (name) =>
      (name === 'content-length' && !withBody) ||
      ((name === 'host' || name === 'proxy-authorization') && served),
  )
}

/** Section 4.5: a cache between here and the server is to leave the answer alone. */
function tellCaches(list: HeaderList, seen: Seen, cache: string): void {
  const mode = seen.conditional && cache === 'default' ? 'no-store' : cache
  if (mode === 'no-cache' && !seen.control) list.push('Cache-Control', 'max-age=0')
  if (mode !== 'no-store' && mode !== 'reload') return
  if (!seen.pragma) list.push('Pragma', 'no-cache')
  if (!seen.control) list.push('Cache-Control', 'no-cache')
}

/** What is there already: found in one walk. */
class Seen {
  accept = false
  language = false
  encoding = false
  range = false
  control = false
  pragma = false
  /** A condition, which is for the server and no cache. */
  conditional = false

  constructor(list: HeaderList) {
    for (let at = 0; at < list.length; at += 2) this.#see(list[at]!)
  }

  #see(name: string): void {
    switch (name.length) {
      case 5:
        this.range ||= equalsFolded(name, 'range')
        break
      case 6:
        this.accept ||= equalsFolded(name, 'accept')
        this.pragma ||= equalsFolded(name, 'pragma')
        break
      case 8:
        this.conditional ||= equalsFolded(name, 'if-match') || equalsFolded(name, 'if-range')
        break
      case 13:
        this.control ||= equalsFolded(name, 'cache-control')
        this.conditional ||= equalsFolded(name, 'if-none-match')
        break
      case 15:
        this.language ||= equalsFolded(name, 'accept-language')
        this.encoding ||= equalsFolded(name, 'accept-encoding')
        break
      case 17:
        this.conditional ||= equalsFolded(name, 'if-modified-since')
        break
      case 19:
        this.conditional ||= equalsFolded(name, 'if-unmodified-since')
        break
      default:
    }
  }
}
