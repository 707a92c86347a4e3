import { type ConnectAttempt, ConnectError, ProtocolError, TimeoutError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

import { NotAllowedError } from './refused-attempt.ts'

/** Where connecting may stand, in this order. */
type ConnectPhase = 'dns' | 'connect' | 'handshake' | 'tls'

const order: readonly string[] = ['dns', 'connect', 'handshake', 'tls'] satisfies ConnectPhase[]

const missing: Readonly<Record<ConnectPhase, string>> = {
  dns: 'no answer from the resolver',
  connect: 'no answer',
  handshake: 'handshake was not done',
  tls: 'TLS handshake was not done',
}

/** One attempt that failed, and why. */
interface Failure {
  readonly error: unknown
  readonly record: ConnectAttempt
  /** The time of its phase was over. */
  readonly late: boolean
}

/** A name without addresses. */
export function resolveErrorOf(error: unknown, name: string): ConnectError {
  const reason = codeOf(error) === 'EINVAL' ? 'not a host name' : reasonOf(error)
  return new ConnectError(`Cannot connect to ${name}: ${reason}`, { phase: 'dns', cause: error })
}

/**
 * Every attempt failed; the one that came furthest gives the reason, unless none was answered at all. Of several that
 * came as far, one that was answered; when none was in time, that is what went wrong.
 */
export function connectErrorOf(failures: readonly Failure[], name: string): ConnectError | TimeoutError {
  const attempts = failures.map(({ record }) => record)
  const errors = failures.map(({ error }) => error)
  const phase = furthest(attempts.map((attempt) => attempt.phase))
  const foremost = failures.filter(({ record }) => record.phase === phase)
  const answered = foremost.filter(({ late }) => !late)
  const reasons = (answered.length > 0 ? answered : foremost).map(({ error }) => reasonOf(error))
  const agreed = phase !== 'connect' || new Set(reasons).size === 1
  const count = failures.length === 1 ? '' : ` (${failures.length} tried)`
  const message = `Cannot connect to ${name}: ${agreed ? reasons[0] : 'no address answered'}${count}`
  const failed = new ConnectError(message, {
    phase,
    attempts,
    // A certificate, a version, a header or an address that is not accepted will not be accepted the next time.
    retryable: !errors.every((error) => error instanceof ProtocolError || error instanceof NotAllowedError),
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors, 'every attempt failed'),
  })
  return answered.length > 0 ? failed : new TimeoutError(message, { phase, retryable: true, cause: failed })
}

/** An attempt was not through with `phase` in the time that it has for it. */
export function phaseTimeoutOf(phase: 'handshake' | 'tls', milliseconds: number): TimeoutError {
  return new TimeoutError(`${missing[phase]} within ${milliseconds} ms`, { phase, retryable: true })
}

/** It took too long, and hung in `phase`. The cause has the record of each attempt, those under way included. */
export function connectTimeoutOf(
  phase: ConnectPhase,
  milliseconds: number,
  attempts: readonly ConnectAttempt[],
  name: string,
): TimeoutError {
  const message = `Cannot connect to ${name}: ${missing[phase]} within ${milliseconds} ms`
  const cause = attempts.length === 0 ? {} : { cause: new ConnectError(message, { phase, attempts }) }
  return new TimeoutError(message, { phase, retryable: true, ...cause })
}

/** The last of these phases in the order of things. */
export function furthest<P extends string>(phases: readonly P[]): P | 'dns' {
  return phases.reduce<P | 'dns'>(
    (one, other) => (order.indexOf(other) > order.indexOf(one) ? other : one),
    'dns',
  )
}
