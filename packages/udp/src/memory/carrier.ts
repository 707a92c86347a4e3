import type { DatagramNetwork, MemoryAddress, MemoryDatagramSocket } from '@fairlead/core/memory'

import type { Carrier, Opened, Sender } from '../carrier.ts'

type Done = (error: Error | null, bytes?: number) => void

/** A socket of a network in memory, in the place of one of the runtime. Ports mean nothing there. */
export class MemoryCarrier implements Carrier {
  readonly #socket: MemoryDatagramSocket
  readonly #peer: string | undefined

  constructor(socket: MemoryDatagramSocket, peer?: string) {
    this.#socket = socket
    this.#peer = peer
  }

  send(data: Uint8Array, done: Done): void
  send(data: Uint8Array, port: number, host: string, done: Done): void
  send(data: Uint8Array, ...rest: [Done] | [number, string, Done]): void {
    const done = rest.at(-1) as Done
    const to = rest.length === 1 ? (this.#peer ?? '') : (rest[1] as string)
    try {
      this.#socket.write(data, to)
      queueMicrotask(() => done(null, data.byteLength))
    } catch (error) {
      queueMicrotask(() => done(error as Error))
    }
  }

  on(event: 'message', listener: (data: Uint8Array, sender: Sender) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'message' | 'error', listener: unknown): void {
    if (event === 'error') return
    const deliver = listener as (data: Uint8Array, sender: Sender) => void
    this.#socket.handle({
      onDatagram: (data, from) => deliver(data, { address: from.name, port: 0, family: 'memory' }),
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** A carrier on `network` under a name, connected to a peer if one is given. @throws ListenError */
export async function openInMemory(
  network: DatagramNetwork,
  name: string,
  peer?: string,
): Promise<Opened<MemoryAddress>> {
  const socket = await network.bind(name)
  const opened = {
    socket: new MemoryCarrier(socket, peer),
    address: socket.address,
    addressOf: ({ address }: Sender): MemoryAddress => ({ kind: 'memory', name: address }),
  }
  if (peer === undefined) return opened
  const sender: Sender = { address: peer, port: 0, family: 'memory' }
  return { ...opened, peer: { address: opened.addressOf(sender), sender } }
}
