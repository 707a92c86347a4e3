import { isLoopback } from '../addresses.ts'
import { type IdentityFlags, type IdentitySource, identitySourceOf } from '../renewal.ts'
import { checkSides, isWeb, type Side, type Source, sourceOf, targetOf } from './sides.ts'

/** Where a token stands in the URL that a client asks for. */
export type TokenPlace = 'query' | 'path'

/** The options of the command line, as they were given. */
export interface BridgeFlags extends IdentityFlags {
  host?: string
  lan?: boolean
  tokens?: string
  tokenIn?: TokenPlace
  allow?: readonly string[]
  ca?: string
  web?: string
  origin?: readonly string[]
  path?: string
  idleTimeout?: number
  json?: boolean
}

/** What chooses the target of each connection. */
export interface Tokens {
  /** A file or a folder. */
  readonly path: string
  readonly place: TokenPlace
  /** Where they may lead: addresses and networks, or all that is public, or everywhere. */
  readonly allow: readonly string[] | 'public' | 'any'
}

/** From where to where, for whom and how. */
export interface Settings {
  readonly from: Source
  /** The address to listen on; of a Unix socket undefined. */
  readonly host: string | undefined
  /** Whether only this machine can call it. */
  readonly loopback: boolean
  readonly tls: IdentitySource
  /** Where all connections lead, or what chooses for each. */
  readonly to: Side | Tokens
  /** A file with certificates that are believed, beside those of the system. */
  readonly ca: string | undefined
  /** A folder whose files are served beside. */
  readonly web: string | undefined
  /** Pages that may connect; undefined: the usual guard. */
  readonly origins: readonly string[] | 'any' | undefined
  /** Where WebSockets are taken; undefined: at every path. */
  readonly path: string | undefined
  /** Milliseconds without a byte either way; undefined: as long as they like. */
  readonly idleTimeout: number | undefined
}

/** Words of `--allow` that stand for networks. */
const networks: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  // RFC 1918 section 3, RFC 4193 section 3.1.
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Which options mean something only with WebSockets as clients, by their names. */
const ofWebSockets = { tokens: '--tokens', web: '--web', origin: '--origin', path: '--path' } as const

/** @throws Error for what does not go together, and for what cannot be bridged. */
export function settingsOf(fromText: string, toText: string | undefined, flags: BridgeFlags): Settings {
  const from = sourceOf(fromText)
  const to = toOf(from, fromText, toText, flags)
  if (!isWeb(from)) {
    for (const [key, option] of Object.entries(ofWebSockets)) {
      if (flags[key as keyof typeof ofWebSockets] !== undefined)
        throw new Error(`${option} means nothing where the clients are no WebSockets`)
    }
  }
  const host = hostOf(from, fromText, flags)
  const { idleTimeout } = flags
  return {
    from,
    host,
    loopback: host === undefined || isLoopback(host),
    tls: tlsOf(from, flags),
    to,
    ca: caOf(to, flags),
    web: flags.web,
    origins: flags.origin?.includes('any') ? 'any' : flags.origin,
    path: pathOf(from, fromText, flags),
    idleTimeout: idleTimeout === undefined ? undefined : idleTimeout * 1_000,
  }
}

function toOf(
  from: Source,
  fromText: string,
  toText: string | undefined,
  { tokens, tokenIn, allow }: BridgeFlags,
): Side | Tokens {
  if (tokens !== undefined) {
    if (toText !== undefined) throw new Error('A target and --tokens say two things: give one of them')
    return { path: tokens, place: tokenIn ?? 'query', allow: allowedBy(allow) }
  }
  if (toText === undefined) {
    throw new Error(
      `Cannot bridge ${fromText} to nothing: give a target, as tcp://localhost:5900, or --tokens`,
    )
  }
  if (tokenIn !== undefined) throw new Error('--token-in means nothing without --tokens')
  if (allow !== undefined)
    throw new Error('--allow means nothing without --tokens: whoever gives a target means it')
  const to = targetOf(toText)
  checkSides(from, to)
  return to
}

function allowedBy(given: readonly string[] | undefined): Tokens['allow'] {
  if (given === undefined) return 'public'
  const words = given.flatMap((text) => text.split(',')).map((word) => word.trim())
  const allowed = words.filter((word) => word !== '').flatMap((word) => networks[word] ?? [word])
  if (allowed.length === 0) throw new Error('--allow names no address')
  if (!allowed.includes('any')) return allowed
  if (allowed.length > 1) throw new Error('--allow any and other addresses say two things')
  return 'any'
}

function hostOf({ scheme, host }: Source, text: string, flags: BridgeFlags): string | undefined {
  const { lan = false } = flags
  const option = flags.host === undefined ? '--lan' : '--host'
  const said = flags.host !== undefined || lan
  if (lan && flags.host !== undefined) throw new Error('--lan and --host say two things: give one of them')
  if (said && scheme === 'unix') throw new Error(`${option} means nothing for a Unix socket`)
  if (said && host !== undefined) throw new Error(`${text} and ${option} say two things: give one of them`)
  if (scheme === 'unix') return undefined
  return flags.host ?? host ?? (lan ? '0.0.0.0' : '127.0.0.1')
}

function tlsOf({ scheme }: Source, flags: BridgeFlags): IdentitySource {
  const source = identitySourceOf(flags)
  if (source !== undefined && (scheme === 'udp' || scheme === 'unix')) {
    throw new Error(`--tls means nothing for ${scheme}`)
  }
  return source ?? (scheme === 'wss' || scheme === 'tls' ? 'made' : undefined)
}

function caOf(to: Side | Tokens, { ca }: BridgeFlags): string | undefined {
  if (ca !== undefined && 'scheme' in to && to.scheme !== 'tls' && to.scheme !== 'wss') {
    throw new Error(`--ca means nothing where the target is not encrypted`)
  }
  return ca
}

function pathOf(from: Source, text: string, { path }: BridgeFlags): string | undefined {
  if (from.scheme === 'unix') return undefined
  if (path === undefined) return from.path
  if (from.path !== undefined) throw new Error(`${text} and --path say two things: give one of them`)
  if (!/^\/[^\s?#]*$/.test(path))
    throw new Error(`Cannot take WebSockets at ${path}: a path begins with a slash`)
  return path
}
