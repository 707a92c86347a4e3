import { type Address, type ConnectAttempt, ConnectError } from '@fairlead/core'

import type { TcpConnection } from './connection.ts'
import type { Attempt } from './race.ts'

/** An address that the option `allow` forbids: it failed before a packet was sent. */
export class RefusedAttempt implements Attempt<TcpConnection> {
  readonly result: Promise<never>
  readonly error: unknown
  readonly phase = 'connect'
  readonly late = false
  readonly failed = true
  readonly record: ConnectAttempt

  constructor(address: Address, error: unknown = new NotAllowedError(address)) {
    this.error = error
    this.record = { address, phase: 'connect', code: 'EPERM', duration: 0 }
    this.result = Promise.reject(error)
    this.result.catch(() => {})
  }

  cancel(): void {}
}

/** What forbids an address now will forbid it the next time. */
export class NotAllowedError extends ConnectError {
  constructor(peer: Address) {
    super('the address is not allowed', { code: 'ERR_FAIRLEAD_NOT_ALLOWED', retryable: false, peer })
    this.name = 'ConnectError'
  }
}

/** Asks `allow`; what it throws forbids the address, too. Undefined where nothing does. */
export function refusedBy(
  allow: ((address: Address) => boolean) | undefined,
  address: Address,
): RefusedAttempt | undefined {
  if (allow === undefined) return undefined
  try {
    // A promise is true, whatever it resolves with.
    return (allow(address) as unknown) === true ? undefined : new RefusedAttempt(address)
  } catch (error) {
    return new RefusedAttempt(address, error)
  }
}
