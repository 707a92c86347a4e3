import { once } from 'node:events'

import { WebSocket } from 'ws'

import { Program } from '../e2e/program.ts'

/** A `fairlead bridge`, and where it waits. */
export interface RunningBridgeProgram {
  readonly program: Program
  /** As it was printed. */
  readonly url: string
  readonly port: number
}

/** Starts `fairlead bridge` and waits until it is ready. */
export async function startBridge(...args: string[]): Promise<RunningBridgeProgram> {
  const program = Program.fairlead(['bridge', ...args])
  const [, url = ''] = await program.prints(
    /(?:Here +|"urls":\[")([^\s"]+)(?=[^]*(?:Press Ctrl-C to stop\.|\}\n))/,
  )
  return { program, url, port: Number(/:(\d+)\/?$/.exec(url)?.[1]) }
}

/** A client of the bridge that keeps what it hears until somebody asks. */
export class Client {
  readonly socket: WebSocket
  /** Code and text of its end. */
  readonly closed: Promise<{ code: number; text: string }>
  #heard = Buffer.alloc(0)
  #messages: Buffer[] = []
  #wake: (() => void)[] = []

  private constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = once(socket, 'close').then(([code, text]) => ({ code: code as number, text: String(text) }))
    socket.on('message', (data: Buffer) => {
      this.#messages.push(data)
      this.#heard = Buffer.concat([this.#heard, data])
      for (const wake of this.#wake.splice(0)) wake()
    })
  }

  /** Connects, and fails where it is refused. */
  static async open(
    url: string,
    protocols: string[] = [],
    options: WebSocket.ClientOptions = {},
  ): Promise<Client> {
    const client = new Client(new WebSocket(url, protocols, options))
    await once(client.socket, 'open')
    return client
  }

  /** Waits until what came holds `text`. */
  async hears(text: string): Promise<void> {
    while (!this.#heard.includes(text)) await this.#more()
  }

  /** The next message. */
  async message(): Promise<Buffer> {
    for (;;) {
      const message = this.#messages.shift()
      if (message) return message
      await this.#more()
    }
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.closed
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }
}

/** The status that a handshake is refused with. */
export async function statusOf(url: string, options: WebSocket.ClientOptions = {}): Promise<number> {
  const socket = new WebSocket(url, options)
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
  socket.terminate()
  return response.statusCode
}
