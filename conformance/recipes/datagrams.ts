import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** Where to be found, and how. */
interface DatagramPeerOptions {
  port?: number
  /** A multicast group to be in, on loopback alone; the port may be shared then. */
  group?: string
}

const loopback = '127.0.0.1'

/** Somebody on loopback who knows nothing of these packages, only of datagrams. */
export class DatagramPeer {
  readonly port: number
  readonly heard: string[] = []
  readonly #socket: Socket
  #wake = (): void => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    this.port = socket.address().port
    // Nobody may be there yet.
    socket.on('error', () => {})
    socket.on('message', (data) => {
      this.heard.push(data.toString())
      this.#wake()
    })
  }

  static async open({ port = 0, group }: DatagramPeerOptions = {}): Promise<DatagramPeer> {
    const socket = createSocket({ type: 'udp4', reuseAddr: group !== undefined })
    socket.bind(port, group === undefined ? loopback : '0.0.0.0')
    await once(socket, 'listening')
    if (group !== undefined) {
      socket.addMembership(group, loopback)
      socket.setMulticastInterface(loopback)
    }
    return new DatagramPeer(socket)
  }

  say(data: string | Uint8Array, port: number, host: string = loopback): void {
    this.#socket.send(data, port, host)
  }

  /** Resolves when `count` datagrams were heard, or so many that are `text`. */
  async hears(text: string, count = 1): Promise<void> {
    while (this.heard.filter((it) => it === text).length < count) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }
}
