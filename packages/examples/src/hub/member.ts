import type { MessageConnection } from '@fairlead/core'

import { Budget } from './budget.ts'

/** Bytes that may wait for somebody who does not read; the whole history fits in several times. */
const mostUnread = 1024 * 1024

/** Lines that one may say at once, and then each second. */
const burst = 20
const perSecond = 5

/** Somebody in the room. */
export class Member {
  name: string
  readonly connection: MessageConnection<string>
  readonly budget = new Budget(burst, perSecond)

  constructor(name: string, connection: MessageConnection<string>) {
    this.name = name
    this.connection = connection
  }

  /** Never waits: whoever does not read is dropped, and holds up nobody else. */
  tell(line: string): void {
    if (this.keepsUp()) void this.connection.send(line)
  }

  /** Whether it reads what it is told; else it is dropped. */
  keepsUp(): boolean {
    if (this.connection.buffered <= mostUnread) return true
    this.connection.destroy(new Error('Too many unread lines'))
    return false
  }

  notice(text: string): void {
    this.tell(`* ${text}`)
  }
}
