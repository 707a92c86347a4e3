import type { Destination } from '../address/datagram.ts'
import type { UdpSocket } from '../socket.ts'
import { type Link, openLink } from './link.ts'

interface Sender {
  readonly link: Link
  readonly socket: UdpSocket
}

/** The sockets that send, one on each link, which come and go with the links. */
export class Senders {
  readonly #senders = new Map<string, Sender>()
  readonly #gone = { sent: 0, sendErrors: 0 }
  #incomplete = false
  #over = false

  /** Whether a link could not be opened: an address that is just coming or going cannot be bound. */
  get incomplete(): boolean {
    return this.#incomplete
  }

  send(data: Uint8Array): void {
    for (const { link, socket } of this.#senders.values()) {
      for (const to of link.to) this.#write(socket, data, to)
    }
  }

  /** Of all sockets that were, too. */
  stats(): { sent: number; sendErrors: number } {
    const total = { ...this.#gone }
    for (const { socket } of this.#senders.values()) add(total, socket)
    return total
  }

  /** Opens what is there now, and closes what is no more. True if something is new. */
  async follow(links: readonly Link[]): Promise<boolean> {
    const keys = new Set(links.map(({ key }) => key))
    this.#drop(({ key }) => !keys.has(key))
    this.#incomplete = false
    let isNew = false
    for (const link of links) {
      if (this.#over) break
      if (!this.#senders.has(link.key)) isNew = (await this.#open(link)) || isNew
    }
    return isNew
  }

  /** Closes those on interfaces that were made anew: the system knows an interface by a number, not by its name. */
  forget(family: 4 | 6, names: readonly string[]): boolean {
    return this.#drop((link) => link.family === family && names.includes(link.name))
  }

  async close(grace: number): Promise<void> {
    this.#over = true
    await Promise.all([...this.#senders.values()].map(({ socket }) => socket.close({ grace })))
  }

  destroy(): void {
    this.#over = true
    for (const { socket } of this.#senders.values()) socket.destroy()
  }

  /** A link that cannot be sent to, whatever it is called, is no reason to fail: this runs on a timer. */
  #write(socket: UdpSocket, data: Uint8Array, to: Destination): void {
    if (this.#over || socket.state !== 'open') return
    try {
      socket.write(data, to)
    } catch {
      this.#gone.sendErrors++
    }
  }

  async #open(link: Link): Promise<boolean> {
    try {
      const socket = await openLink(link)
      if (this.#over) socket.destroy()
      else this.#senders.set(link.key, { link, socket })
      return true
    } catch {
      this.#incomplete = true
      return false
    }
  }

  #drop(isGone: (link: Link) => boolean): boolean {
    const gone = [...this.#senders.values()].filter(({ link }) => isGone(link))
    for (const { link, socket } of gone) {
      add(this.#gone, socket)
      this.#senders.delete(link.key)
      socket.destroy()
    }
    return gone.length > 0
  }
}

function add(total: { sent: number; sendErrors: number }, socket: UdpSocket): void {
  const { sent, sendErrors } = socket.stats()
  total.sent += sent
  total.sendErrors += sendErrors
}
