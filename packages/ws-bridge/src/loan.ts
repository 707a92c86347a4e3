import type { CloseReason } from '@fairlead/core'
import type { LendOptions } from '@fairlead/tcp/node'

/** What whoever borrows a socket wants to hear of it. */
export interface Borrowing {
  shutdown(grace: number): void
  socketDrained(): void
  socketEnded(): void
  undercut(reason: CloseReason): void
}

/** Passes on what the connection says that lent its socket: to the borrower, as soon as there is one. */
export class Loan implements LendOptions {
  borrower: Borrowing | undefined

  onShutdown(grace: number): void {
    this.borrower?.shutdown(grace)
  }

  onDrain(): void {
    this.borrower?.socketDrained()
  }

  onEnd(): void {
    this.borrower?.socketEnded()
  }

  onClose(reason: CloseReason): void {
    this.borrower?.undercut(reason)
  }
}
