import { bind } from '../bind.ts'
import { type InterfaceWatch, interfaceWatch } from '../multicast/interface-watch.ts'
import type { NetworkInterface } from '../multicast/interfaces.ts'
import type { UdpSocket } from '../socket.ts'
import { groups, type LinkOptions, linksOf } from './link.ts'
import type { Medium, MediumHandler, MediumStats } from './medium.ts'
import { isOurs } from './message.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { defaultPort, type DiscoveryOptions } from './options.ts'
import { Senders } from './senders.ts'

/** Some hundred datagrams: more at once is no discovery. */
const recvBufferSize = 256 * 1024

/**
 * The local network: a socket that receives for each family, joined on all interfaces, and one that sends on each
 * link.
 */
export class LanMedium implements Medium {
  readonly #options: LinkOptions
  readonly #families: readonly (4 | 6)[]
  readonly #watch: InterfaceWatch
  readonly #receivers = new Map<4 | 6, UdpSocket>()
  readonly #senders = new Senders()
  #interfaces: readonly NetworkInterface[]
  #neighbourhood: Neighbourhood
  #handler: MediumHandler | undefined
  #unwatch: (() => void) | undefined
  #foreign = 0
  #over = false
  /** One change is followed after the other. */
  #following: Promise<void> = Promise.resolve()

  private constructor(options: DiscoveryOptions, watch: InterfaceWatch) {
    const { port = defaultPort, interfaces, broadcast = false, family } = options
    this.#options = { port, interfaces: interfaces && [...interfaces], broadcast }
    this.#families = family ? [family] : [4, 6]
    this.#watch = watch
    this.#interfaces = watch.look()
    this.#neighbourhood = this.#look()
  }

  /** @throws ListenError when the group cannot be heard; `signal.reason` when aborted. */
  static async open(options: DiscoveryOptions, watch = interfaceWatch): Promise<LanMedium> {
    const medium = new LanMedium(options, watch)
    try {
      await medium.#begin()
      options.signal?.throwIfAborted()
      return medium
    } catch (error) {
      medium.destroy()
      throw error
    }
  }

  handle(handler: MediumHandler): void {
    this.#handler = handler
    for (const socket of this.#receivers.values()) this.#listen(socket)
  }

  send(data: Uint8Array): void {
    this.#senders.send(data)
  }

  stats(): MediumStats {
    let received = 0
    for (const socket of this.#receivers.values()) received += socket.stats().received
    return { ...this.#senders.stats(), received, foreign: this.#foreign }
  }

  async close(grace: number): Promise<void> {
    this.#end()
    const receivers = [...this.#receivers.values()].map((socket) => socket.close({ grace }))
    await Promise.all([...receivers, this.#senders.close(grace)])
  }

  destroy(): void {
    this.#end()
    for (const socket of this.#receivers.values()) socket.destroy()
    this.#senders.destroy()
  }

  async #begin(): Promise<void> {
    const [first] = this.#families
    for (const family of this.#families) {
      await this.#receive(family).catch((error: unknown) => {
        // Many machines have no IPv6; IPv4 alone is enough.
        if (family === first) throw error
      })
    }
    await this.#reach()
    this.#unwatch = this.#watch.watch((interfaces, changed) => {
      this.#interfaces = interfaces
      if (changed) this.#neighbourhood = this.#look()
      if (changed || this.#senders.incomplete) this.#follow()
    })
  }

  #follow(): void {
    const follow = async (): Promise<void> => {
      const missing = this.#families.filter((family) => !this.#receivers.has(family))
      for (const family of missing) await this.#receive(family).catch(() => {})
      if ((await this.#reach()) && !this.#over) this.#handler?.onLink()
    }
    this.#following = this.#following.then(follow)
  }

  /** Opens what is to be sent on. True if something is new. */
  #reach(): Promise<boolean> {
    const linksIn = (family: 4 | 6) => linksOf(this.#interfaces, family, this.#options)
    return this.#senders.follow(this.#families.flatMap(linksIn))
  }

  async #receive(family: 4 | 6): Promise<void> {
    const { port, interfaces } = this.#options
    const local = family === 4 ? { host: '0.0.0.0' } : { host: '::', ipv6Only: true }
    const socket = await bind({ ...local, port, reuseAddr: true, recvBufferSize })
    try {
      socket.join(groups[family], {
        ...(interfaces && { interfaces }),
        onChange: ({ joined }) => {
          // An interface that is joined again was made anew.
          if (this.#senders.forget(family, joined)) this.#follow()
        },
      })
    } catch (error) {
      socket.destroy()
      throw error
    }
    if (this.#over) return socket.destroy()
    this.#receivers.set(family, socket)
    if (this.#handler) this.#listen(socket)
  }

  #listen(socket: UdpSocket): void {
    socket.handle({
      onDatagram: (data, from) => {
        // What is not ours is dropped by whoever hears it; it is worth no look at where it came from.
        if (isOurs(data) && !this.#neighbourhood.has(from)) this.#foreign++
        else this.#handler?.onDatagram(data, from)
      },
      onTrouble() {},
    })
  }

  #look(): Neighbourhood {
    return new Neighbourhood(this.#interfaces, this.#options.interfaces)
  }

  #end(): void {
    this.#over = true
    this.#unwatch?.()
  }
}
