import type { MessageConnection } from '@fairlead/core'
import { broadcast } from '@fairlead/ws-bridge'

import { Member } from './member.ts'
import { isTooLong, keyOf, nickname, spoken } from './talk.ts'

/** Lines that a newcomer is told. */
const longestHistory = 50

const help = [
  'what you type is said to everybody, except:',
  '/nick NAME  changes your name',
  '/who        tells who is here',
  '/quit       leaves',
]

/**
 * The chat room. It knows nothing of sockets: whatever carries lines of text can join, be it a framed TCP
 * connection, a WebSocket or a pair in memory.
 */
export class Room {
  readonly #members = new Map<string, Member>()
  readonly #history: string[] = []
  #guests = 0

  /** Lets a connection take part until it ends. Whoever called closes it. */
  async join(connection: MessageConnection<string>): Promise<void> {
    const member = new Member(this.#guestName(), connection)
    this.#enter(member)
    try {
      for await (const line of connection) {
        // Who talks too much is not read for a while, and feels it as back-pressure.
        const waited = await member.budget.spend()
        if (waited && connection.state === 'closed') return
        if (line.trim() === '/quit') return member.notice('bye')
        this.#hear(member, line)
      }
    } finally {
      this.#leave(member)
    }
  }

  /** Tells everybody of something that newcomers shall read, too. */
  announce(text: string): void {
    this.#remember(`* ${text}`)
  }

  #enter(member: Member): void {
    this.#notice(`${member.name} joined`)
    this.#members.set(keyOf(member.name), member)
    member.connection.cork()
    for (const line of this.#history) member.tell(line)
    member.notice(`you are ${member.name}`)
    this.#tellWhoIsHere(member)
    member.connection.uncork()
  }

  #leave(member: Member): void {
    this.#members.delete(keyOf(member.name))
    this.#notice(`${member.name} left`)
  }

  #hear(member: Member, line: string): void {
    if (isTooLong(line)) return member.notice('that line is too long')
    const text = spoken(line)
    if (text === '') return
    if (text.startsWith('/')) this.#obey(member, text)
    else this.#remember(`${member.name}: ${text}`)
  }

  #obey(member: Member, text: string): void {
    const [command, ...rest] = text.split(/\s+/)
    if (command === '/nick') this.#rename(member, rest.join(' '))
    else if (command === '/who') this.#tellWhoIsHere(member)
    else if (command === '/help') for (const line of help) member.notice(line)
    else member.notice(`there is no ${command}; try /help`)
  }

  #rename(member: Member, wanted: string): void {
    const name = nickname(wanted)
    if (name === undefined) return member.notice('a name is 1 to 20 letters, digits, _ - or .')
    const holder = this.#members.get(keyOf(name))
    if (holder !== undefined && holder !== member) return member.notice('that name is taken')
    if (name !== member.name) {
      this.#members.delete(keyOf(member.name))
      this.#members.set(keyOf(name), member)
      this.#notice(`${member.name} is now ${name}`)
      member.name = name
    }
    member.notice(`you are ${name}`)
  }

  #tellWhoIsHere(member: Member): void {
    const names = Array.from(this.#members.values(), ({ name }) => name)
    member.notice(`here: ${names.join(', ')}`)
  }

  #notice(text: string): void {
    this.#tell(`* ${text}`)
  }

  #remember(line: string): void {
    this.#history.push(line)
    if (this.#history.length > longestHistory) this.#history.shift()
    this.#tell(line)
  }

  #tell(line: string): void {
    const listening = [...this.#members.values()].filter((member) => member.keepsUp())
    broadcast(
      listening.map(({ connection }) => connection),
      line,
    )
  }

  #guestName(): string {
    let name
    do name = `guest-${++this.#guests}`
    while (this.#members.has(keyOf(name)))
    return name
  }
}
