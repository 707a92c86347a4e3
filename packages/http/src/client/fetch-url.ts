import { toText } from '../web/header-list.ts'

/** Text that holds neither user information nor anything that a URL parser leaves out, and is of HTTP. */
const plain = /^https?:\/\/[\w.~!$&'()*+,;=:%/?[\]#-]+$/

/**
 * The URL to ask, as text; undefined for one of a scheme that is the runtime's affair. A relative one is left to the
 * client, which may have a base.
 *
 * @throws TypeError for what is no URL, for one with user information (Fetch standard section 5.4), and for one of
 *   another scheme.
 */
export function fetchUrlOf(input: unknown): string | undefined {
  const text = toText(input)
  if (plain.test(text)) return text
  const absolute = parse(text)
  const url = absolute ?? parse(text, 'http://localhost')
  if (url === undefined) throw new TypeError('Invalid URL: it is none')
  const { protocol, username, password, href } = url
  if (protocol === 'data:' || protocol === 'blob:') return undefined
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError(`Invalid URL: of the scheme ${protocol} there is nothing to fetch`)
  }
  if (username !== '' || password !== '') {
    throw new TypeError('Invalid URL: it has user information, for which there is the header Authorization')
  }
  return absolute ? href : text
}

/** Not by `URL.canParse`, which Node 20 gets wrong for names beyond ASCII. */
function parse(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
