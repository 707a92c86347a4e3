import { checkOptions } from '@fairlead/core/transport'

import type { HandshakeRequest } from '../handshake.ts'
import { type PlainTarget, tokenTargetOf } from './endpoints.ts'
import type { TargetOf, TokenTargets } from './options.ts'
import { TokenFile } from './token-file.ts'

/** The targets of {@link TokenTargets}, looked up one token at a time. */
export class Tokens {
  readonly #lookup: TargetOf
  readonly #file: TokenFile | undefined

  /** @throws TypeError or RangeError that names the option, or the token whose target is none. */
  constructor(tokens: TokenTargets['tokens']) {
    if (typeof tokens === 'string') {
      if (tokens === '') throw new TypeError('Invalid option to.tokens: the path is empty')
      const file = new TokenFile(tokens)
      this.#file = file
      this.#lookup = (token) => file.lookup(token)
    } else if (typeof tokens === 'function') {
      this.#lookup = tokens
    } else {
      checkOptions('to.tokens', tokens)
      this.#lookup = tokens instanceof Map ? inMap(tokens) : inRecord(tokens as Record<string, string>)
    }
  }

  /** Reads files once, so that what cannot be read is found out at the beginning. @throws SocketError. */
  async check(): Promise<void> {
    await this.#file?.refresh()
  }

  /**
   * The target of a token, or undefined when there is none.
   *
   * @throws what the function throws; TypeError or RangeError when what it gives is no target.
   */
  async targetOf(token: string, request: HandshakeRequest): Promise<PlainTarget | undefined> {
    const text: unknown = await this.#lookup(token, request)
    if (text === undefined) return undefined
    if (typeof text !== 'string') throw new TypeError(`Invalid target: ${typeof text} is not a text`)
    return tokenTargetOf(text)
  }
}

/**
 * The token of a request: empty when it has none, undefined when its path is not one of these.
 *
 * @param base of `from`; `/` is every path, and where tokens stand in the path, the root.
 */
export function tokenIn(
  request: HandshakeRequest,
  path: string,
  base: string,
  by: 'query' | 'path',
): string | undefined {
  if (by === 'query') {
    if (base !== '/' && path !== base) return undefined
    const query = request.target.indexOf('?')
    return query === -1 ? '' : (new URLSearchParams(request.target.slice(query + 1)).get('token') ?? '')
  }
  if (path === base) return ''
  const prefix = base.endsWith('/') ? base : `${base}/`
  const segment = path.startsWith(prefix) ? path.slice(prefix.length) : undefined
  return segment === undefined || segment.includes('/') ? undefined : decoded(segment)
}

/** Refuses, by name, what is no way to a target. @throws TypeError. */
export function checkTokens(to: TokenTargets): void {
  checkOptions('to', to)
  for (const name of Object.keys(to)) {
    if (!names.has(name)) throw new TypeError(`Invalid option to.${name}: there is no such option`)
  }
  const { by } = to
  if (by !== undefined && by !== 'query' && by !== 'path') {
    throw new TypeError(`Invalid option to.by: ${String(by)} is neither 'query' nor 'path'`)
  }
}

const names: ReadonlySet<string> = new Set<keyof TokenTargets>(['tokens', 'by', 'allow'])

function inMap(tokens: ReadonlyMap<string, string>): TargetOf {
  for (const target of tokens.values()) checkTarget(target)
  return (token) => tokens.get(token)
}

function inRecord(tokens: Readonly<Record<string, string>>): TargetOf {
  for (const target of Object.values(tokens)) checkTarget(target)
  return (token) => (Object.hasOwn(tokens, token) ? tokens[token] : undefined)
}

/** Its token is a secret, and not named. */
function checkTarget(target: string): void {
  try {
    tokenTargetOf(target)
  } catch (error) {
    const message = `Invalid option to.tokens: ${(error as Error).message}`
    throw error instanceof RangeError ? new RangeError(message) : new TypeError(message)
  }
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
