import { spoken } from '../hub/talk.ts'
import type { Tell } from './event.ts'
import type { Neighbour } from './neighbour.ts'
import type { RunningPeer } from './peer.ts'

const help = [
  'what you type goes to all who are here, except:',
  '@NAME TEXT  goes to one; /to NAME TEXT does the same',
  '/who        tells who is here',
  '/quit       leaves',
]

/** What the line says is for one: `@ben text`, or `/to ben text`. */
const toOne = /^(?:@|\/to\s+)(\S+)\s*(.*)$/su

/** What its user tells a peer to do, in lines. */
export class Conversation {
  readonly #peer: RunningPeer
  readonly #tell: Tell

  constructor(peer: RunningPeer, tell: Tell) {
    this.#peer = peer
    this.#tell = tell
  }

  /** Does what a line says. Resolves when it is done: all that it sends is delivered, or given up. Never rejects. */
  async obey(line: string): Promise<void> {
    const words = spoken(line)
    const [, name, text = ''] = toOne.exec(words) ?? []
    if (words === '') return
    if (name !== undefined) return this.#tellOne(name, text)
    if (words === '/who') return this.#showWho()
    if (words === '/help') return help.forEach((notice) => this.#notice(notice))
    if (words.startsWith('/')) return this.#notice(`there is no ${words.split(/\s/)[0]}; try /help`)
    const { reachable } = this.#peer.roster
    if (reachable.length === 0) return this.#notice('nobody is here')
    await this.#send('say', words, reachable)
  }

  async #tellOne(name: string, text: string): Promise<void> {
    const { roster } = this.#peer
    const [meant, ...others] = roster.called(name)
    if (!meant) return this.#notice(`there is no ${name} here; try /who`)
    if (others.length > 0) {
      const labels = [meant, ...others].map((it) => roster.labelOf(it))
      return this.#notice(`${name} may be ${labels.join(' or ')}`)
    }
    if (text === '') return this.#notice(`what do you want to tell ${name}?`)
    await this.#send('tell', text, [meant])
  }

  async #send(verb: 'say' | 'tell', text: string, to: readonly Neighbour[]): Promise<void> {
    const { post } = this.#peer
    if (!post.fits(text)) return this.#notice('that line is too long')
    await Promise.all(to.map((neighbour) => post.send(verb, text, neighbour)))
  }

  #showWho(): void {
    const { roster } = this.#peer
    const peers = roster.neighbours.map((it) => ({
      name: roster.labelOf(it),
      address: it.where,
      since: it.since,
    }))
    if (peers.length > 0) this.#tell({ event: 'here', peers })
    else this.#notice('nobody is here')
  }

  #notice(text: string): void {
    this.#tell({ event: 'notice', text })
  }
}
