import { Duplex } from 'node:stream'

import * as websocket from '@fairlead/ws-bridge'

/** What a server's frame says; the peer of a server does no masking. */
export interface Frame {
  readonly opcode: number
  readonly rsv: number
  readonly fin: boolean
  readonly payload: Buffer
}

/** All frames that are whole; what does not fit is `rest`. */
function framesOf(bytes: Buffer): { frames: Frame[]; rest: number } {
  const frames: Frame[] = []
  let at = 0
  for (;;) {
    const [first, second] = [bytes[at], bytes[at + 1]]
    if (first === undefined || second === undefined) break
    const length = second & 127
    const header = length < 126 ? 2 : length === 126 ? 4 : 10
    if (bytes.length < at + header) break
    const size =
      length < 126
        ? length
        : length === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2))
    if (bytes.length < at + header + size) break
    const payload = bytes.subarray(at + header, at + header + size)
    frames.push({ opcode: first & 15, rsv: (first >> 4) & 7, fin: first > 127, payload })
    at += header + size
  }
  return { frames, rest: bytes.length - at }
}

/** A socket that keeps what is written to it, write by write; its peer is the test. */
class Sink extends Duplex {
  /** What left in each write. */
  readonly writes: Uint8Array[][] = []
  /** As long as it is set, nothing gets through, and what would have is held here. */
  stuck = false
  #held: (() => void) | undefined

  override _read(): void {}

  override _write(chunk: Uint8Array, _: string, done: () => void): void {
    this.#take([chunk], done)
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  /** Lets through what was held, and what comes. */
  loosen(): void {
    this.stuck = false
    const held = this.#held
    this.#held = undefined
    held?.()
  }

  get frames(): Frame[] {
    return framesOf(Buffer.concat(this.writes.flat())).frames
  }

  get texts(): string[] {
    return this.frames.map(({ payload }) => payload.toString())
  }

  #take(chunks: Uint8Array[], done: () => void): void {
    this.writes.push(chunks)
    if (this.stuck) this.#held = done
    else done()
  }
}

type Options<K extends websocket.MessageKind> = websocket.AcceptOptions<K> & { extensions?: string }

/** A connection on such a socket, whose handshake is not kept. */
export function sunk<K extends websocket.MessageKind = 'text'>({ extensions, ...options }: Options<K> = {}) {
  const socket = new Sink({ highWaterMark: 16_384 })
  const fields = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...(extensions === undefined ? {} : { 'Sec-WebSocket-Extensions': extensions }),
  }
  const request = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: Object.entries(fields).flat() }
  const connection = websocket.accept<K>(
    request,
    socket,
    new Uint8Array(),
    options as websocket.AcceptOptions<K>,
  )
  socket.writes.length = 0
  return { socket, connection }
}
