import type { FieldFacts } from './facts.ts'
import { equalsFolded, isToken, listMembers } from './tokens.ts'

/**
 * Where one direction of a connection stands. A parser has a cycle for what it reads; whoever writes may keep
 * another for what it writes. Neither knows which of the two is the client.
 *
 *     idle ─head─> body ─end─> idle, or done after the last message
 *     idle ─offer─> offered ─end─> waiting      an Upgrade or CONNECT: HTTP rests until it is answered
 *                   offered ─decline─> body
 *                                    waiting ─decline─> idle, or done
 *     idle, offered, waiting ─switch─> switched     the bytes that follow are another protocol's
 *     idle ─last─> done                             bytes that follow are nobody's
 *     all but switched ─eof─> closed
 */
export type CycleState = 'idle' | 'body' | 'offered' | 'waiting' | 'switched' | 'done' | 'closed'
export type CycleEvent = 'head' | 'interim' | 'offer' | 'switch' | 'end' | 'decline' | 'last' | 'eof'

/** Where `event` leads; undefined where the state does not know it. Plain comparisons: it is asked twice a message. */
function next(state: CycleState, event: CycleEvent): CycleState | undefined {
  switch (event) {
    case 'head':
      return state === 'idle' ? 'body' : undefined
    case 'end':
      if (state === 'body') return 'idle'
      return state === 'offered' ? 'waiting' : undefined
    case 'interim':
      return state === 'idle' ? 'idle' : undefined
    case 'offer':
      return state === 'idle' ? 'offered' : undefined
    case 'decline':
      if (state === 'offered') return 'body'
      return state === 'waiting' ? 'idle' : undefined
    case 'switch':
      return state === 'idle' || state === 'offered' || state === 'waiting' ? 'switched' : undefined
    case 'last':
      return state === 'idle' ? 'done' : state
    case 'eof':
      return state === 'switched' ? undefined : 'closed'
  }
}

/** The message cycle of one direction: {@link CycleState} and whether another message may follow. */
export class Cycle {
  #state: CycleState = 'idle'
  #persistent = true

  get state(): CycleState {
    return this.#state
  }

  /** False once a message said that it is the last, or `take('last')` did. It never becomes true again. */
  get persistent(): boolean {
    return this.#persistent
  }

  /**
   * Takes an event; `keepAlive: false` with a head makes its message the last.
   *
   * @throws Error for an event that the state does not know: a bug of the caller's, no fault of the peer's.
   */
  take(event: CycleEvent, keepAlive = event !== 'last'): void {
    const state = next(this.#state, event)
    if (state === undefined) throw new Error(`Cannot take ${event}: the message cycle is ${this.#state}`)
    if (!keepAlive) this.#persistent = false
    this.#state = state === 'idle' && !this.#persistent ? 'done' : state
  }
}

/** Whether the connection outlives a message with these fields, in the order of RFC 9112 section 9.3. */
export function keepsAlive(facts: FieldFacts, minor: 0 | 1): boolean {
  if (facts.connection === undefined) return minor === 1
  if (equalsFolded(facts.connection, 'keep-alive')) return true
  const options = listMembers(facts.connection)
  if (options.includes('close')) return false
  return minor === 1 || options.includes('keep-alive')
}

/**
 * The protocols that a message names in Upgrade, in lower case; undefined where Connection does not announce the
 * field, or the message is of HTTP/1.0, whose Upgrade a recipient ignores (RFC 9110 section 7.8).
 */
export function upgradesTo(facts: FieldFacts, minor: 0 | 1): readonly string[] | undefined {
  if (facts.upgrade === undefined || facts.connection === undefined || minor === 0) return undefined
  if (!listMembers(facts.connection).includes('upgrade')) return undefined
  const protocols = listMembers(facts.upgrade).filter(isProtocol)
  return protocols.length > 0 ? protocols : undefined
}

/** protocol-name [ "/" protocol-version ] */
function isProtocol(text: string): boolean {
  const parts = text.split('/')
  return parts.length <= 2 && parts.every(isToken)
}
