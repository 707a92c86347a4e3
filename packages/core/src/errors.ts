import type { Address } from './address.ts'
import type { TimeoutPhase } from './resource.ts'

/** Survives duplicate installs of this package, where `instanceof` does not. */
const brand = Symbol.for('fairlead.SocketError')

/** Facts that any {@link SocketError} may carry. */
export interface SocketErrorOptions {
  /** A stable code; each kind of error has its own default. */
  code?: string
  /** What was going on: `connect`, `write`, `headers`. */
  phase?: string
  /** With whom. */
  peer?: Address
  /** Whether the same attempt may succeed later without having been processed now. Default false. */
  retryable?: boolean
  /** The error underneath, usually the runtime's own. */
  cause?: unknown
}

/**
 * What every failure of a socket is: `message` reads "what was attempted: why", `code` is stable and
 * documented. Wrong arguments are a `TypeError` or `RangeError` instead; an abort rethrows `signal.reason`.
 */
export class SocketError extends Error {
  readonly code: string
  // Declared only: a field would be there, and undefined, in every error without it.
  declare readonly phase?: string
  declare readonly peer?: Address
  readonly retryable: boolean

  constructor(message: string, options: SocketErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = new.target.name
    this.code = options.code ?? 'ERR_FAIRLEAD_SOCKET'
    if (options.phase !== undefined) this.phase = options.phase
    if (options.peer !== undefined) this.peer = options.peer
    this.retryable = options.retryable ?? false
  }

  get [brand](): true {
    return true
  }

  /** Whether `value` is a SocketError of this or of another copy of the package. */
  static is(value: unknown): value is SocketError {
    try {
      return typeof value === 'object' && value !== null && brand in value
    } catch {
      // A proxy that throws when it is looked at.
      return false
    }
  }

  /** `error` itself if it is a SocketError, else a {@link BrokenError} round it. */
  static from(error: unknown, attempt = 'Connection failed'): SocketError {
    if (SocketError.is(error)) return error
    return new BrokenError(`${attempt}: ${messageOf(error)}`, { cause: error })
  }
}

/** The message of whatever was thrown; reading it must not throw again. */
function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'unknown'
  }
}

/** One address that a connect tried. */
export interface ConnectAttempt {
  readonly address: Address
  /** How far it got. */
  readonly phase: TimeoutPhase
  /** The runtime's code, such as `ECONNREFUSED`. */
  readonly code: string
  /** Milliseconds from the start of this attempt to its end. */
  readonly duration: number
}

/** Nobody could be reached. */
export class ConnectError extends SocketError {
  /** One for each address tried, in the order they were started. */
  readonly attempts: readonly ConnectAttempt[]

  constructor(message: string, options: SocketErrorOptions & { attempts?: readonly ConnectAttempt[] } = {}) {
    super(message, { code: 'ERR_FAIRLEAD_CONNECT', phase: 'connect', retryable: true, ...options })
    this.attempts = options.attempts ?? []
  }
}

/** The address could not be listened on. */
export class ListenError extends SocketError {
  constructor(message: string, options: SocketErrorOptions = {}) {
    super(message, { code: 'ERR_FAIRLEAD_LISTEN', phase: 'listen', ...options })
  }
}

/** This side closed it, and then used it. */
export class ClosedError extends SocketError {
  constructor(message: string, options: SocketErrorOptions = {}) {
    super(message, { code: 'ERR_FAIRLEAD_CLOSED', ...options })
  }
}

/** The peer, the network or a callback broke it. */
export class BrokenError extends SocketError {
  constructor(message: string, options: SocketErrorOptions = {}) {
    super(message, { code: 'ERR_FAIRLEAD_BROKEN', ...options })
  }
}

/** A second reader came while the first was still there. */
export class BusyError extends SocketError {
  constructor(message: string, options: SocketErrorOptions = {}) {
    super(message, { code: 'ERR_FAIRLEAD_BUSY', ...options })
  }
}

/** A deadline passed; `phase` says which. */
export class TimeoutError extends SocketError {
  declare readonly phase: TimeoutPhase

  constructor(message: string, options: SocketErrorOptions & { phase: TimeoutPhase }) {
    super(message, { code: 'ERR_FAIRLEAD_TIMEOUT', ...options })
  }
}

/** Something grew past its limit: `limit` is the option's name, `value` what it stood at. */
export class LimitError extends SocketError {
  readonly limit: string
  readonly value: number

  constructor(message: string, options: SocketErrorOptions & { limit: string; value: number }) {
    super(message, { code: 'ERR_FAIRLEAD_LIMIT', ...options })
    this.limit = options.limit
    this.value = options.value
  }
}

/** Somebody did not speak the protocol; `side` says who. */
export class ProtocolError extends SocketError {
  readonly side: 'local' | 'remote'

  constructor(message: string, options: SocketErrorOptions & { side: 'local' | 'remote' }) {
    super(message, { code: 'ERR_FAIRLEAD_PROTOCOL', ...options })
    this.side = options.side
  }
}
