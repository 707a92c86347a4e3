import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Listener, MessageConnection } from '@fairlead/core'

/** What arrives in a folder, or has been left in the middle; without the notes on what has arrived. */
export async function leftovers(folder: string): Promise<string[]> {
  const workshop = join(folder, '.fairlead')
  const names = await readdir(workshop, { recursive: true })
  return names.filter((name) => name !== 'resumable' && !name.startsWith('finished-')).toSorted()
}

/** Somebody who talks to a room from outside, and remembers every line. */
export class Actor {
  readonly heard: string[] = []
  readonly connection: MessageConnection<string>
  #read = 0
  #over = false
  #wake: (() => void) | undefined
  /** Resolves when the connection ended. */
  readonly ended: Promise<void>

  constructor(connection: MessageConnection<string>) {
    this.connection = connection
    this.ended = this.#listen()
  }

  async say(...said: string[]): Promise<void> {
    for (const line of said) await this.connection.send(line)
  }

  /** The next line that matches, and forgets those before it. Fails when the connection ends first. */
  async hears(expected: string | RegExp): Promise<string> {
    for (;;) {
      for (let at = this.#read; at < this.heard.length; at++) {
        const line = this.heard[at] ?? ''
        if (typeof expected === 'string' ? line !== expected : !expected.test(line)) continue
        this.#read = at + 1
        return line
      }
      if (this.#over) throw new Error(`Never heard ${String(expected)}, but: ${this.heard.join(' | ')}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async #listen(): Promise<void> {
    try {
      for await (const line of this.connection) {
        this.heard.push(line)
        this.#wake?.()
      }
    } catch {
      // A broken connection is an end, too.
    }
    this.#over = true
    this.#wake?.()
  }
}

/** Port of a listener on IP. */
export function portOf({ address }: Pick<Listener<unknown>, 'address'>): number {
  if (address.kind !== 'ip') throw new TypeError('Not an IP address')
  return address.port
}
