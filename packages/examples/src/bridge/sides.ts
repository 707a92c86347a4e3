import { parseEndpoint } from '@fairlead/core'

/** Schemes of which one side has to be, and those of the other. */
const webs = ['ws', 'wss'] as const
const plains = ['tcp', 'tls', 'udp', 'unix'] as const

type Web = (typeof webs)[number]
type Plain = (typeof plains)[number]

/** Of what {@link parseEndpoint} reads, all that can be bridged. */
export type Side =
  | { readonly scheme: Web; readonly host: string; readonly port: number; readonly path: string }
  | { readonly scheme: Exclude<Plain, 'unix'>; readonly host: string; readonly port: number }
  | { readonly scheme: 'unix'; readonly path: string }

/** Where the bridge waits. */
export interface Source {
  readonly scheme: Side['scheme']
  /** Undefined: nobody said. Of a Unix socket always. */
  readonly host: string | undefined
  /** 0 lets the system choose. */
  readonly port: number
  /** Of WebSockets the one that they are taken at, every one when undefined; of a Unix socket its file. */
  readonly path: string | undefined
}

/**
 * Reads where to wait: a bare `:8080`, `8080` or `host:8080` is a WebSocket, `tcp://:5900` and `ws://:8080/path` need no
 * host.
 *
 * @throws Error that says what is wrong with it.
 */
export function sourceOf(text: string): Source {
  const full = schemeOf(text) === undefined ? `ws://${/^\d+$/.test(text) ? ':' : ''}${text}` : text
  const side = sideOf(full, text)
  if (side.scheme === 'unix') return { scheme: 'unix', host: undefined, port: 0, path: side.path }
  const [, host, port, path] = /^\w+:\/\/(\[.*\]|[^:/?]*)(:\d+)?(.*)$/.exec(full) ?? []
  if (port === undefined) throw new Error(`Cannot wait at ${text}: the port is missing`)
  if (path?.includes('?')) throw new Error(`Cannot wait at ${text}: a query has no place in it`)
  return {
    scheme: side.scheme,
    host: host === '' ? undefined : side.host,
    port: side.port,
    // What is left out is every path, and not the root.
    path: path === '' || !('path' in side) ? undefined : side.path,
  }
}

/**
 * Reads where to lead: a bare `host:5900` is TCP, and `:5900` is on this machine.
 *
 * @throws Error that says what is wrong with it.
 */
export function targetOf(text: string): Side {
  const full = schemeOf(text) === undefined ? `tcp://${text}` : text
  const side = sideOf(full, text)
  if ('port' in side && side.port === 0) throw new Error(`Cannot bridge to ${text}: nothing has port 0`)
  return side
}

/** One side is a WebSocket, and the other one is not. @throws Error */
export function checkSides(from: Source, to: Side): void {
  if (isWeb(from) !== isWeb(to)) return
  throw new Error(
    isWeb(from)
      ? 'Cannot bridge a WebSocket to a WebSocket: one side has to be tcp, tls, udp or unix (a TCP port to wait at is written tcp://:5900)'
      : `Cannot bridge ${from.scheme} to ${to.scheme}: one side has to be a WebSocket, ws://... or wss://...`,
  )
}

export function isWeb({ scheme }: { readonly scheme: Side['scheme'] }): boolean {
  return webs.some((web) => web === scheme)
}

/** `full` is `text` with what it leaves out; a host that is left out is this machine. */
function sideOf(full: string, text: string): Side {
  const scheme = schemeOf(full)
  const refused = (why: string, cause?: unknown): Error =>
    // Whoever reads the message need not be whom the password is for.
    new Error(`Cannot bridge ${text.replace(/\/\/.*@/, '//...@')}: ${why}`, { cause })
  if (scheme === undefined || !isKnown(scheme)) {
    throw refused(`the scheme is none of ${[...webs, ...plains].join(', ')}`)
  }
  try {
    return parseEndpoint(full.replace(/^(\w+:\/\/)(?=:)/, '$1localhost')) as Side
  } catch (error) {
    const { message } = error as Error
    throw refused(message.slice(message.lastIndexOf(': ') + 2), error)
  }
}

function isKnown(scheme: string): boolean {
  return [...webs, ...plains].some((known) => known === scheme)
}

/** What stands before `://`, or alone before a colon where no host follows. */
function schemeOf(text: string): string | undefined {
  const [, named, lone] = /^(?:([a-z][a-z\d+.-]*):\/\/|(unix|memory):)/i.exec(text) ?? []
  return (named ?? lone)?.toLowerCase()
}
