import type { ByteConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import { until } from './harness.ts'

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface FrameOptions {
  fin?: boolean
  rsv?: number
  mask?: boolean
  /** The length that the header claims. */
  length?: number
}

export interface RawOptions {
  /** Whether it answers an end. Default: true. */
  end?: boolean
  tls?: tcp.ConnectOptions['tls']
}

/** One frame as a client sends it; the mask is zero, so the payload is as it is. */
export function frame(opcode: number, payload: string | Uint8Array = '', options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, mask = true } = options
  const body = Buffer.from(payload as Uint8Array)
  const length = options.length ?? body.length
  const sized = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : undefined
  const long = Buffer.alloc(9, 127)
  long.writeBigUInt64BE(BigInt(length), 1)
  const size = Buffer.from(sized ?? long)
  if (mask) size[0] = (size[0] as number) | 128
  const first = (fin ? 128 : 0) | (rsv << 4) | opcode
  return Buffer.concat([Buffer.of(first), size, mask ? Buffer.alloc(4) : Buffer.alloc(0), body])
}

export function closeFrame(code: number, text = '', options?: FrameOptions): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return frame(opcodes.close, Buffer.concat([payload, Buffer.from(text)]), options)
}

/** A handshake; a field set to `undefined` is left out. */
export function handshake(
  path = '/',
  fields: Record<string, string | undefined> = {},
  line = `GET ${path} HTTP/1.1`,
): string {
  const all = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  return [line, ...lines, '', ''].join('\r\n')
}

/** A peer that says exactly what it is told to, and writes down what it hears. */
export class Raw {
  readonly connection: ByteConnection
  bytes: Buffer = Buffer.alloc(0)
  ended = false
  closed = false

  private constructor(connection: ByteConnection, end: boolean) {
    this.connection = connection
    connection.handle({
      onData: (chunk) => void (this.bytes = Buffer.concat([this.bytes, chunk])),
      onEnd: () => {
        this.ended = true
        if (end) connection.end()
      },
      onClose: () => (this.closed = true),
    })
  }

  static async connect(port: number, { end = true, tls }: RawOptions = {}): Promise<Raw> {
    return new Raw(await tcp.connect({ port, ...(tls && { tls }) }), end)
  }

  /** A peer whose handshake is over. */
  static async open(port: number, path = '/', options?: RawOptions): Promise<Raw> {
    const raw = await Raw.connect(port, options)
    raw.write(handshake(path))
    await raw.head()
    return raw
  }

  write(...pieces: (string | Uint8Array)[]): void {
    for (const piece of pieces) this.connection.write(piece)
  }

  /** Takes the next answer's head. */
  async head(): Promise<{ status: number; text: string }> {
    await until(() => this.bytes.includes('\r\n\r\n') || this.closed)
    const end = this.bytes.indexOf('\r\n\r\n')
    const text = this.bytes.toString('latin1', 0, end)
    this.bytes = this.bytes.subarray(end + 4)
    return { status: Number(text.split(' ')[1]), text }
  }

  /** Takes the next frame, which a server does not mask. */
  async frame(): Promise<{ opcode: number; rsv: number; payload: Buffer; code?: number; text: string }> {
    await until(() => this.#frameLength() <= this.bytes.length || this.closed)
    if (this.#frameLength() > this.bytes.length) throw new Error('closed without a frame')
    const opcode = (this.bytes[0] as number) & 15
    const rsv = ((this.bytes[0] as number) >> 4) & 7
    const payload = this.bytes.subarray(this.#headerLength(), this.#frameLength())
    this.bytes = this.bytes.subarray(this.#frameLength())
    if (opcode !== opcodes.close) return { opcode, rsv, payload, text: payload.toString() }
    const code = payload.length < 2 ? {} : { code: payload.readUInt16BE() }
    return { opcode, rsv, payload, ...code, text: payload.toString('utf8', 2) }
  }

  #headerLength(): number {
    const length = (this.bytes[1] ?? 0) & 127
    return length < 126 ? 2 : length === 126 ? 4 : 10
  }

  #frameLength(): number {
    const header = this.#headerLength()
    if (this.bytes.length < header) return Infinity
    const length = (this.bytes[1] as number) & 127
    if (length < 126) return header + length
    return header + (length === 126 ? this.bytes.readUInt16BE(2) : Number(this.bytes.readBigUInt64BE(2)))
  }
}
