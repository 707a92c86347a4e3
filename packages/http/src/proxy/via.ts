import { randomBytes } from 'node:crypto'

import { listMembers } from '../codec/tokens.ts'

/** A pseudonym, or a host that may have a port (RFC 9110 section 7.6.3). */
const pseudonym = /^(?:[\w!#$%&'*+.^`|~-]+|\[[\dA-Fa-f:.]+\])(?::\d+)?$/

/** What a proxy says of itself on the way of a message. */
export class Via {
  readonly #name: string

  /** @throws TypeError for what is no pseudonym. */
  constructor(name = `fairlead-${randomBytes(4).toString('hex')}`) {
    if (typeof name !== 'string' || !pseudonym.test(name)) {
      throw new TypeError('Invalid option via: must be a pseudonym, or false')
    }
    this.#name = name
  }

  /** Appends to the lines of a message that came by `HTTP/1.<minor>`. */
  append(list: string[], minor: 0 | 1): void {
    list.push('Via', `1.${minor} ${this.#name}`)
  }

  /** Whether the message was here before. */
  knows(lines: readonly string[]): boolean {
    const own = this.#name.toLowerCase()
    return lines.some((line) => listMembers(line).some((member) => member.split(/[\t ]+/)[1] === own))
  }
}
