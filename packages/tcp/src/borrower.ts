import type { CloseReason } from '@fairlead/core'
import type { InnerHandler } from '@fairlead/core/transport'

import type { LendOptions } from './connection.ts'

/** Sits in the slot of a connection whose socket is lent, and passes on what the borrower wants to hear. */
export class Borrower implements InnerHandler<Uint8Array> {
  readonly #options: LendOptions

  constructor(options: LendOptions) {
    this.#options = options
  }

  /** Without an opinion of the borrower's, a shutdown is the connection's own affair. */
  get leavesShutdown(): boolean {
    return this.#options.onShutdown === undefined
  }

  onData(): void {}

  onShutdown(grace: number): void {
    this.#options.onShutdown?.(grace)
  }

  onEnd(): void {
    this.#options.onEnd?.()
  }

  onDrain(): void {
    this.#options.onDrain?.()
  }

  onClose(reason: CloseReason): void {
    this.#options.onClose?.(reason)
  }
}
