import { once } from 'node:events'
import { connect, type NetConnectOpts, type Socket } from 'node:net'

/** One whole answer. */
interface Reply {
  readonly head: string
  readonly body: Buffer
}

/** A client that keeps its connection, and never asks for a thing twice. */
class Client {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  #error: Error | undefined
  #ended = false
  #wake = (): void => {}

  constructor(socket: Socket) {
    this.#socket = socket
    const wake = (): void => this.#wake()
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      wake()
    })
    socket.on('error', (error) => {
      this.#error = error
      wake()
    })
    socket.on('end', () => {
      this.#ended = true
      wake()
    })
  }

  static async open(where: NetConnectOpts): Promise<Client> {
    const socket = connect(where)
    await once(socket, 'connect')
    return new Client(socket)
  }

  /** Sends a body in two pieces, one later than the other. */
  async ask(path: string, body: Buffer): Promise<Reply> {
    const head = `POST ${path} HTTP/1.1\r\nHost: example\r\nContent-Length: ${body.length}\r\n\r\n`
    const half = body.length >> 1
    this.#socket.write(Buffer.concat([Buffer.from(head), body.subarray(0, half)]))
    await new Promise((resolve) => setImmediate(resolve))
    this.#socket.write(body.subarray(half))
    for (;;) {
      const reply = this.#reply()
      if (reply) return reply
      if (this.#error) throw this.#error
      if (this.#ended) throw new Error(`ended after ${JSON.stringify(this.#received.toString('latin1'))}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Resolves when the server has ended the connection, too; rejects when it was reset. */
  async leave(): Promise<void> {
    this.#socket.end()
    while (!this.#socket.closed && !this.#ended && !this.#error) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#error) throw this.#error
    if (this.#received.length > 0) throw new Error('something came that nobody asked for')
  }

  #reply(): Reply | undefined {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const head = this.#received.toString('latin1', 0, end + 2)
    const length = Number(/\r\nContent-Length: (\d+)\r\n/i.exec(head)?.[1])
    if (Number.isNaN(length)) throw new Error(`no length in ${head}`)
    const whole = end + 4 + length
    if (this.#received.length < whole) return undefined
    const body = this.#received.subarray(end + 4, whole)
    this.#received = this.#received.subarray(whole)
    return { head, body }
  }
}

interface LoadOptions {
  readonly clients: number
  /** Whether a client that was told to go comes again. */
  readonly again: boolean
}

/**
 * Clients that ask one thing after the other on connections that they keep. One that was told `Connection: close` opens
 * another; whatever else is not a whole and right answer is a failure, and the client's end.
 */
export class Load {
  readonly failures: string[] = []
  /** How many answers each generation gave. */
  readonly generations = new Map<number, number>()
  answers = 0
  connections = 0
  readonly #where: NetConnectOpts
  readonly #clients: Promise<void>[]
  #over = false
  #wake: (() => void)[] = []

  constructor(where: NetConnectOpts, { clients, again }: LoadOptions) {
    this.#where = where
    this.#clients = Array.from({ length: clients }, (_, index) =>
      this.#come(index, again).catch((error: unknown) => {
        this.failures.push(`client ${index}: ${String(error)}`)
        this.#tell()
      }),
    )
  }

  served(generation: number): number {
    return this.generations.get(generation) ?? 0
  }

  /** Resolves when `condition` holds, or something has failed. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && this.failures.length === 0) {
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** Resolves when the last client has its last answer. */
  async stop(): Promise<void> {
    this.#over = true
    await this.ended()
  }

  /** Resolves when every client was told to go. */
  async ended(): Promise<void> {
    await Promise.all(this.#clients)
  }

  async #come(index: number, again: boolean): Promise<void> {
    let asked = 0
    do {
      const client = await Client.open(this.#where)
      this.connections++
      while (!this.#over) {
        const name = `${index}-${asked++}`
        // Every fourth asks at its leisure, so that connections are idle now and then.
        if (index % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 5 + (asked % 20)))
        const body = Buffer.alloc((asked * 977) % 9_000, `${name}/`)
        const reply = await client.ask(`/${name}`, body)
        if (!reply.head.startsWith('HTTP/1.1 200 ')) throw new Error(reply.head)
        if (!reply.body.equals(body)) throw new Error(`the answer to ${name} is another's`)
        this.answers++
        const generation = Number(/\r\nX-Generation: (\d+)\r\n/.exec(reply.head)?.[1])
        this.generations.set(generation, this.served(generation) + 1)
        this.#tell()
        if (/\r\nConnection: close\r\n/i.test(reply.head)) break
      }
      await client.leave()
    } while (again && !this.#over)
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
