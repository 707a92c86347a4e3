import { formatAddress, ListenError } from '@fairlead/core'
import type { DatagramNetwork, MemoryAddress, MemoryDatagramSocket } from '@fairlead/core/memory'

import type { Carrier, Opened, Sender } from '../carrier.ts'

type Done = (error: Error | null, bytes?: number) => void

/** A socket of a network in memory, in the place of one of the runtime. Ports mean nothing there. */
class MemoryCarrier implements Carrier {
  readonly #socket: MemoryDatagramSocket
  readonly #peer: string

  constructor(socket: MemoryDatagramSocket, peer = '') {
    this.#socket = socket
    this.#peer = peer
  }

  send(data: Uint8Array, done: Done): void
  send(data: Uint8Array, port: number, host: string, done: Done): void
  send(data: Uint8Array, ...rest: [Done] | [number, string, Done]): void {
    if (rest.length === 1) this.#pass(data, this.#peer, rest[0])
    else this.#pass(data, rest[1], rest[2])
  }

  on(event: 'message', listener: (data: Uint8Array, sender: Sender) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'message' | 'error', listener: unknown): void {
    if (event === 'error') return
    const deliver = listener as (data: Uint8Array, sender: Sender) => void
    this.#socket.handle({ onDatagram: (data, from) => deliver(data, senderOf(from.name)) })
  }

  close(): void {
    this.#socket.destroy()
  }

  #pass(data: Uint8Array, to: string, done: Done): void {
    let failure: Error | null = null
    try {
      this.#socket.write(data, to)
    } catch (error) {
      failure = error as Error
    }
    queueMicrotask(() => done(failure))
  }
}

/** A carrier on `network` under a name. @throws ListenError when it is in use. */
export async function openInMemory(network: DatagramNetwork, name: string): Promise<Opened<MemoryAddress>> {
  try {
    return openedOn(await network.bind(name))
  } catch (cause) {
    if (!(cause instanceof ListenError)) throw cause
    const peer = { kind: 'memory', name } as const
    throw new ListenError(`Cannot listen on ${formatAddress(peer)}: name is in use`, { peer, cause })
  }
}

/** The same, connected to a peer. */
export async function openInMemoryTo(
  network: DatagramNetwork,
  name: string,
  peer: string,
): Promise<Required<Opened<MemoryAddress>>> {
  const opened = openedOn(await network.bind(name), peer)
  return { ...opened, peer: { address: { kind: 'memory', name: peer }, sender: senderOf(peer) } }
}

function openedOn(socket: MemoryDatagramSocket, peer?: string): Opened<MemoryAddress> {
  return {
    socket: new MemoryCarrier(socket, peer),
    address: socket.address,
    addressOf: ({ address }) => ({ kind: 'memory', name: address }),
  }
}

function senderOf(name: string): Sender {
  return { address: name, port: 0, family: 'memory' }
}
