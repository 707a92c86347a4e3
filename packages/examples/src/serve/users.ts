import { createHash, timingSafeEqual } from 'node:crypto'

/** RFC 7617 section 2: a colon in the name would belong to the password. */
const credentials = /^([^:\p{Cc}]+):(\P{Cc}+)$/u

/** Who may come in, by name and password. */
export class Users {
  readonly #digests = new Map<string, Buffer>()

  /**
   * Adds `name:password`. What is wrong with it is said without saying what it is: it may be a password.
   *
   * @throws Error for what has no name or no password.
   */
  add(text: string): void {
    const [, name, password] = credentials.exec(text) ?? []
    if (name === undefined || password === undefined) {
      throw new Error('Cannot read the user: it takes user:password')
    }
    this.#digests.set(name, digest(password))
  }

  get names(): readonly string[] {
    return [...this.#digests.keys()]
  }

  /** Tells nothing by the time it takes, not even whether there is such a user. */
  knows(name: string, password: string): boolean {
    const guess = digest(password)
    const known = this.#digests.get(name)
    return timingSafeEqual(guess, known ?? nobody) && known !== undefined
  }
}

const nobody = Buffer.alloc(32)

function digest(text: string): Buffer {
  // Two ways to write one letter are one password (RFC 8265 section 4.2.2).
  return createHash('sha256').update(text.normalize('NFC')).digest()
}

/** Reads one `name:password` a line; empty lines and those that begin with `#` say nothing. */
export function readUsers(text: string, users: Users): void {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  for (const line of lines) if (line !== '' && !line.startsWith('#')) users.add(line)
}
