import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'

import type { ByteConnection } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as tcp from '@fairlead/tcp'
import {
  connectUdp,
  type ConnectUdpOptions,
  proxyUdp,
  type UdpProxy,
  type UdpProxyOptions,
} from '@fairlead/ws-bridge/connect-udp'
import { afterEach } from 'vitest'

import { type Capsule, CapsuleDecoder, encodeCapsule } from '../../src/connect-udp/capsule.ts'
import { encodeDatagram } from '../../src/connect-udp/datagram.ts'

const cleanups: (() => unknown)[] = []

/** Ends what a test has made, however the test ended. */
export function cleansUp(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })
}

export function later(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** Waits for what has no event, one turn of the event loop after the other. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUp = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > giveUp) throw new Error(`Never came true: ${condition.toString()}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** So many turns that whatever was under way on this machine has arrived, or never will. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 60; turns++) await new Promise((resolve) => setImmediate(resolve))
}

/** A UDP target of the runtime's own. */
export class Target {
  readonly socket: Socket
  readonly heard: string[] = []
  /** Who sent last. */
  from: RemoteInfo | undefined

  private constructor(socket: Socket, answer: (message: Buffer) => Uint8Array | undefined) {
    this.socket = socket
    socket.on('message', (message, from) => {
      this.heard.push(message.toString('latin1'))
      this.from = from
      const reply = answer(message)
      if (reply) socket.send(reply, from.port, from.address)
    })
  }

  get port(): number {
    return this.socket.address().port
  }

  /** By default one that repeats what it hears. */
  static async open(
    answer: (message: Buffer) => Uint8Array | undefined = (message) => message,
    host = '127.0.0.1',
  ): Promise<Target> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.bind(0, host)
    await once(socket, 'listening')
    const target = new Target(socket, answer)
    later(() => target.close())
    return target
  }

  /** Says something to whoever spoke last. */
  say(...messages: (string | Uint8Array)[]): void {
    for (const message of messages) this.socket.send(message, this.from?.port, this.from?.address)
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      try {
        this.socket.close(() => resolve())
      } catch {
        // It is closed.
        resolve()
      }
    })
  }
}

/** An HTTP listener that answers 404, a UDP proxy on it that allows everybody, and where it is. */
export async function proxied(
  options: UdpProxyOptions = {},
  listen: http.HttpListenOptions = {},
): Promise<{ server: http.HttpListener; proxy: UdpProxy; port: number; url: string; errors: unknown[] }> {
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)
  const server = await http.listen({ port: 0, onError, ...listen }, (exchange) => exchange.respond(404))
  later(() => server.close({ grace: 0 }))
  const proxy = proxyUdp(server, { allow: 'any', ...options })
  const port = server.address.kind === 'ip' ? server.address.port : 0
  return { server, proxy, port, url: `http://127.0.0.1:${port}`, errors }
}

/** A client's end of a tunnel to a target on this machine. */
export async function through(
  url: string,
  target: { port: number },
  options: Partial<ConnectUdpOptions> = {},
): ReturnType<typeof connectUdp> {
  const connection = await connectUdp(url, { host: '127.0.0.1', port: target.port, ...options })
  later(() => connection.destroy())
  return connection
}

/** The default path for a target. */
export function pathTo(port: number | string, host = '127.0.0.1'): string {
  return `/.well-known/masque/udp/${host}/${port}/`
}

/** A request for a tunnel; a field set to `undefined` is left out, one that is a list is repeated. */
export function request(
  path: string,
  fields: Record<string, string | readonly string[] | undefined> = {},
  line = `GET ${path} HTTP/1.1`,
): string {
  const all = {
    Host: 'proxy.example',
    Connection: 'Upgrade',
    Upgrade: 'connect-udp',
    'Capsule-Protocol': '?1',
    ...fields,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}`),
  )
  return [line, ...lines, '', ''].join('\r\n')
}

/** Payloads as a client, or a proxy, sends them: together. */
export function capsules(...payloads: (string | Uint8Array)[]): Buffer {
  return Buffer.concat(payloads.map((payload) => encodeDatagram(Buffer.from(payload as Uint8Array))))
}

/** A capsule of any type. */
export function capsule(type: number, ...value: number[]): Buffer {
  return Buffer.from(encodeCapsule(type, Uint8Array.from(value)))
}

/** One end of a TCP connection that says exactly what it is told to, and writes down what it hears. */
export class Raw {
  readonly connection: ByteConnection
  bytes: Buffer = Buffer.alloc(0)
  ended = false
  /** Why it is closed. */
  reason: string | undefined
  readonly #decoder = new CapsuleDecoder(0, { maxValue: 70_000, maxSkipped: 70_000 })

  constructor(connection: ByteConnection) {
    this.connection = connection
    connection.handle({
      onData: (chunk) => void (this.bytes = Buffer.concat([this.bytes, chunk])),
      onEnd: () => {
        this.ended = true
        connection.end()
      },
      onClose: ({ kind }) => (this.reason = kind),
    })
    later(() => connection.destroy())
  }

  static async connect(port: number): Promise<Raw> {
    return new Raw(await tcp.connect({ port }))
  }

  /** One whose tunnel is there. */
  static async open(
    port: number,
    target: { port: number },
    behind: Uint8Array = Buffer.alloc(0),
  ): Promise<Raw> {
    const raw = await Raw.connect(port)
    raw.write(Buffer.concat([Buffer.from(request(pathTo(target.port))), behind]))
    const { status } = await raw.head()
    if (status !== 101) throw new Error(`The proxy answered ${status}`)
    return raw
  }

  write(...pieces: (string | Uint8Array)[]): void {
    for (const piece of pieces) this.connection.write(piece)
  }

  /** Takes the next answer's head. */
  async head(): Promise<{ status: number; text: string }> {
    await until(() => this.bytes.includes('\r\n\r\n') || this.reason !== undefined)
    const end = this.bytes.indexOf('\r\n\r\n')
    const text = this.bytes.toString('latin1', 0, end)
    this.bytes = this.bytes.subarray(end + 4)
    return { status: Number(text.split(' ')[1]), text }
  }

  /** Takes the payloads of the next `count` DATAGRAM capsules. */
  async payloads(count: number): Promise<string[]> {
    const taken: Capsule[] = []
    const take = (): boolean => {
      this.#decoder.push(this.bytes)
      this.bytes = Buffer.alloc(0)
      for (let next = this.#decoder.next(); next; next = this.#decoder.next()) taken.push(next)
      return taken.length >= count || this.reason !== undefined
    }
    await until(take)
    return taken.map(({ value }) => Buffer.from(value.subarray(1)).toString('latin1'))
  }
}
