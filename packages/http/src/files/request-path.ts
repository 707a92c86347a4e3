/** Where a request leads to, below the root. */
export interface RequestPath {
  /** The names on the way, decoded. None of them is empty, `.` or `..`, or holds a separator. None: the root itself. */
  readonly segments: readonly string[]
  /** Whether a slash stood at its end, as it does where a folder is meant. */
  readonly folder: boolean
  /** The segments behind slashes, with a slash at its end for a folder: what rules are asked about. */
  readonly path: string
}

/** How a path is read. */
export interface PathOptions {
  /** What every path begins with, decoded. Whether it ends with a slash makes no difference. Default `/`. */
  prefix?: string
  /** Whether the rules of Windows for names hold. Default: where the program runs on it. */
  windows?: boolean
}

/** Of a name, on all file systems in use. */
const longestName = 255

/** Of a path, decoded: what Linux opens at all. */
const longestPath = 4_096

const DOT = 0x2e

/**
 * What the path of a URL is made of: visible ASCII. `?` and `#` would end it, and `\` is a slash to browsers and to
 * Windows, a character of a name to others.
 */
const raw = /^\/[!"$->@-[\]-~]*$/

/** Separators that came encoded: decoded, they would be told from others no more. */
const encodedSeparator = /%(?:2f|5c)/i

/** Control characters: NUL ends names early, others forge lines of logs. */
const control = /\p{Cc}/u

/**
 * What Windows takes for something else: drives and streams (`:`), wildcards, ends that it drops, short names
 * (`PROGRA~1`), and devices, which stand in every folder and under every extension.
 */
const windowsUnsafe =
  /[<>:"|?*]|[. ]$|^[^.]{1,6}~\d{1,6}(?:\.[^.]{0,3})?$|^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[\d\u{b9}\u{b2}\u{b3}]) *(?:\.|$)/iu

/** What HFS+ overlooks in names: behind it a dot is at the beginning all the same. */
const hiddenName = /^\p{Default_Ignorable_Code_Point}*\./u

/**
 * The one path of a request, by which rules decide and files are opened; undefined for what names no file here.
 *
 * Escapes are decoded once, as UTF-8 without overlong forms and lone surrogates. Names are taken as they are, without
 * normalization: file systems differ in whether `é` and `e` with an accent behind it are the same name, and whoever
 * translates one into the other asks for a file that was not named.
 *
 * @param pathname of a URL, still encoded: `new URL(request.url).pathname`, or a request target without its query
 */
export function canonicalPath(pathname: string, options: PathOptions = {}): RequestPath | undefined {
  const { prefix = '/', windows = process.platform === 'win32' } = options
  // An octet is written in three characters at most.
  if (pathname.length > 3 * longestPath || !raw.test(pathname)) return undefined
  const decoded = decodedOf(pathname)
  if (decoded === undefined || isLonger(decoded, longestPath)) return undefined
  const segments = decoded.split('/')
  // Nothing stands before the first slash, and nothing behind the last one where that is the end.
  segments.shift()
  const folder = segments.at(-1) === ''
  if (folder) segments.pop()
  if (!segments.every((name) => isName(name, windows))) return undefined
  if (prefix === '/') return { segments, folder, path: decoded }
  const below = without(prefix, segments)
  if (below === undefined) return undefined
  const path = below.map((name) => `/${name}`).join('')
  return { segments: below, folder, path: folder ? `${path}/` : path }
}

/**
 * Whether one of the names begins with a dot. `.well-known` at the top is none of those, since it is there to be asked
 * for (RFC 8615 section 3); what begins with a dot below it is.
 */
export function isHidden(segments: readonly string[]): boolean {
  return segments.some((name, index) => isHiddenName(name) && !(index === 0 && name === '.well-known'))
}

/** What is not encoded holds no control characters: it is visible ASCII. */
function decodedOf(pathname: string): string | undefined {
  if (!pathname.includes('%')) return pathname
  if (encodedSeparator.test(pathname)) return undefined
  try {
    const decoded = decodeURIComponent(pathname)
    return control.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

/** In octets, of which a code unit takes three at most. */
function isLonger(text: string, octets: number): boolean {
  return text.length > octets / 3 && Buffer.byteLength(text) > octets
}

function isName(name: string, windows: boolean): boolean {
  if (name === '' || name === '.' || name === '..' || isLonger(name, longestName)) return false
  return !windows || !windowsUnsafe.test(name)
}

/** What comes behind the names of the prefix; undefined where it does not begin with them. */
function without(prefix: string, segments: readonly string[]): readonly string[] | undefined {
  const names = prefix.split('/').filter((name) => name !== '')
  return names.every((name, index) => segments[index] === name) ? segments.slice(names.length) : undefined
}

function isHiddenName(name: string): boolean {
  const first = name.charCodeAt(0)
  return first === DOT || (first > 0x7f && hiddenName.test(name))
}
