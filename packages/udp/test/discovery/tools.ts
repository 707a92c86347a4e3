import { ipAddress } from '@fairlead/core'
import { DatagramNetwork, type MemoryDatagramSocket } from '@fairlead/core/memory'

import type { IpAddress } from '../../src/address/datagram.ts'
import type { Medium, MediumHandler, MediumStats } from '../../src/discovery/medium.ts'
import { type Announce, decode, type Message } from '../../src/discovery/message.ts'
import type { Service } from '../../src/discovery/service.ts'

/** Chances that are always the same. */
export const even = (): number => 0.5

export function announceOf(
  service: Partial<Service> = {},
  rest: Partial<Omit<Announce, 'kind' | 'service'>> = {},
): Announce {
  const filled = { type: 'chat', name: 'anna', port: 7000, data: {}, ...service }
  return { kind: 'announce', id: idOf(1), revision: 0, lifetime: 90_000, service: filled, ...rest }
}

export function idOf(number: number): string {
  return number.toString(16).padStart(32, '0')
}

/** A local network in memory: what one of its mediums sends, all hear, the sender included. */
export class Air {
  readonly network: DatagramNetwork
  readonly #mediums: AirMedium[] = []

  constructor(network = new DatagramNetwork()) {
    this.network = network
  }

  async medium(host: string): Promise<AirMedium> {
    const name = `${host} ${this.#mediums.length}`
    const medium = new AirMedium(await this.network.bind(name), () => this.#mediums)
    this.#mediums.push(medium)
    return medium
  }
}

export class AirMedium implements Medium {
  readonly messages: (Message | undefined)[] = []
  readonly socket: MemoryDatagramSocket
  readonly #all: () => readonly AirMedium[]
  #handler: MediumHandler | undefined
  #received = 0

  constructor(socket: MemoryDatagramSocket, all: () => readonly AirMedium[]) {
    this.socket = socket
    this.#all = all
  }

  /** Another interface has come. */
  widen(): void {
    this.#handler?.onLink()
  }

  handle(handler: MediumHandler): void {
    this.#handler = handler
    this.socket.handle({
      onDatagram: (data, { name }) => {
        this.#received++
        handler.onDatagram(data, addressOf(name.split(' ')[0]))
      },
    })
  }

  send(data: Uint8Array): void {
    this.messages.push(decode(data))
    for (const { socket } of this.#all()) if (socket.state === 'open') this.socket.write(data, socket.address)
  }

  stats(): MediumStats {
    return { sent: this.messages.length, sendErrors: 0, received: this.#received, foreign: 0 }
  }

  close(): Promise<void> {
    return this.socket.close()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

export function addressOf(host = '10.0.0.1', port = 40_000): IpAddress {
  return ipAddress(host, port)
}

let ports = 0

/** A port for those of one test: below the ephemeral ones, and another in each process and at each call. */
export function ownPort(): number {
  return 20_000 + (process.pid % 600) * 20 + (ports++ % 20)
}
