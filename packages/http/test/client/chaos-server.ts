import { brotliCompressSync, constants, deflateRawSync, gzipSync } from 'node:zlib'

import type { ByteConnection } from '@fairlead/core'

import { RequestParser } from '../../src/codec/index.ts'
import { response } from './raw-server.ts'

/** Numbers from 0 up to 1, the same for the same seed. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export async function turns(count: number): Promise<void> {
  for (; count > 0; count--) await new Promise((resolve) => setImmediate(resolve))
}

/** What a request is answered with where all is well. */
export function contentFor(token: string): string {
  return `it is ${token} `.repeat(3)
}

const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
const bomb = gzipSync(Buffer.alloc(3_000_000))

const tokens = /t[0-9]+x[0-9]+z/g

interface Asked {
  readonly method: string
  readonly target: string
  readonly token: string
  readonly upgrade: boolean
  readonly expects: boolean
}

/** What the server of one seed knows of all its connections. */
export interface ServerWorld {
  readonly roll: () => number
  readonly pipelined: boolean
  /** How often each token was read to its last byte, and so may have been processed. */
  readonly processed: Map<string, number>
  /** Tokens whose answers were not what they should be. */
  readonly lies: Set<string>
  /** What a client must never do. */
  readonly violations: string[]
  /** Connections that are there. */
  readonly peers: Set<ChaosPeer>
}

/** One connection of a server that does with requests whatever comes to its mind, the good more often than the bad. */
export class ChaosPeer {
  readonly #connection: ByteConnection
  readonly #world: ServerWorld
  readonly #parser: RequestParser
  #asked: Asked | undefined
  /** Answers leave in the order of their requests. */
  #last: Promise<void> = Promise.resolve()
  /** Nothing more is said. */
  #mute = false
  #switched = false
  /** The answer at hand is the last. */
  #closing = false
  /** It never reads, and so hears nothing of its end. */
  paused = false

  constructor(connection: ByteConnection, world: ServerWorld) {
    this.#connection = connection
    this.#world = world
    world.peers.add(this)
    this.#parser = new RequestParser(
      {
        onHead: ({ method, target, upgrade, expectContinue }) => {
          const [token = ''] = target.match(tokens) ?? []
          if (token === '') world.violations.push(`nobody asked for ${target}`)
          this.#asked = { method, target, token, upgrade: upgrade !== undefined, expects: expectContinue }
          this.#early(this.#asked)
        },
        onBody: () => {},
        onEnd: () => {
          const asked = this.#asked!
          world.processed.set(asked.token, (world.processed.get(asked.token) ?? 0) + 1)
          this.#last = this.#last.then(() => this.#answer(asked))
        },
      },
      { bodyBytes: Infinity },
    )
    connection.handle({
      onData: (chunk) => {
        if (this.#switched) return
        try {
          this.#parser.push(chunk)
          if (!this.#asked?.upgrade) this.#parser.decline()
        } catch (error) {
          world.violations.push(`the client sent what is no request: ${String(error)}`)
          connection.destroy()
        }
      },
      onEnd: () => connection.end(),
      onClose: () => void world.peers.delete(this),
    })
    // Now and then nothing is read, or the connection is gone before anything was.
    const mood = world.roll()
    this.paused = mood < 0.02
    if (this.paused) connection.pause()
    else if (mood < 0.04) connection.destroy()
    else if (mood < 0.05) connection.end()
    else if (mood < 0.06) this.#write('SSH-2.0-dropbear\r\n')
  }

  destroy(): void {
    this.#connection.destroy()
  }

  #write(text: string | Uint8Array): void {
    if (this.#mute || this.#connection.state !== 'open') return
    try {
      this.#connection.write(text, 'latin1')
    } catch {
      // It has ended already.
    }
  }

  /** What is said before the body has come. */
  #early(asked: Asked): void {
    const { roll, lies } = this.#world
    const mood = roll()
    if (asked.expects && mood < 0.7) {
      if (mood < 0.4) this.#write('HTTP/1.1 100 Continue\r\n\r\n')
      else if (mood < 0.5) this.#write(response('417 Expectation Failed', '', 'Connection: close'))
      return
    }
    // In front of answers that others wait for it would be one of theirs.
    if (mood > (asked.method === 'GET' ? 0.04 : 0.15) || this.#world.pipelined) return
    lies.add(asked.token)
    const status = ['413 Content Too Large', '401 Unauthorized', '200 OK'][Math.floor(roll() * 3)]!
    this.#write(response(status, contentFor(asked.token), ...(roll() < 0.5 ? ['Connection: close'] : [])))
    this.#mute = true
    if (roll() < 0.5) void turns(Math.floor(roll() * 4)).then(() => this.#go())
  }

  /** Leaves, in one manner or the other. */
  #go(): void {
    if (this.#world.roll() < 0.5) this.#connection.end()
    else this.#connection.destroy(new Error('reset by chance'))
  }

  async #answer(asked: Asked): Promise<void> {
    const { roll, pipelined, lies } = this.#world
    await turns(Math.floor(roll() * 4))
    for (let more = roll(); more < 0.1; more = roll()) {
      this.#write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
    }
    const fate = roll()
    if (fate < 0.62) {
      await this.#pieces(this.#valid(asked))
      if (!this.#closing) return
      this.#mute = true
      await turns(Math.floor(roll() * 3))
      return this.#connection.end()
    }
    if (fate < 0.67) return this.#redirect(asked)
    lies.add(asked.token)
    const valid = this.#valid(asked)
    if (fate < 0.71) await this.#pieces(valid.subarray(0, Math.floor(roll() * valid.length)))
    else if (fate < 0.76) await this.#pieces(mutated(valid, roll))
    else if (fate < 0.8) await this.#pieces(this.#endless(asked))
    else if (fate < 0.83) {
      const stray = response('200 OK', 'stray')
      // Behind requests that wait for theirs, an answer that nobody asked for cannot be told apart.
      this.#write(Buffer.concat([valid, Buffer.from(pipelined ? 'stray' : stray)]))
    } else if (fate < 0.85)
      this.#write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\nodd')
    else if (fate < 0.87) this.#write(valid)
    this.#mute = true
    if (fate > 0.9 || roll() < 0.7) this.#go()
  }

  #redirect({ token }: Asked): void {
    const { roll, processed } = this.#world
    // It is to be done elsewhere.
    processed.set(token, 0)
    const status = [301, 302, 303, 307, 308][Math.floor(roll() * 5)]!
    const where = roll() < 0.2 ? `http://other.example/${token}` : `/${token}?again`
    this.#write(response(`${status} Elsewhere`, 'x'.repeat(Math.floor(roll() * 40)), `Location: ${where}`))
  }

  /** An answer with its token, framed and encoded in any of the ways there are. */
  #valid({ method, token, upgrade }: Asked): Buffer {
    const { roll } = this.#world
    if (upgrade && roll() < 0.6) {
      this.#switched = true
      return Buffer.from(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd\r\n\r\n${token}`,
      )
    }
    const fields = ['HTTP/1.1 200 OK']
    let body: Uint8Array = Buffer.from(contentFor(token))
    // More than is read ahead, and than is decoded at once.
    if (roll() < 0.05) body = Buffer.from(contentFor(token).repeat(8_000))
    const coding = roll()
    if (coding < 0.1) fields.push('Content-Encoding: gzip')
    else if (coding < 0.15) fields.push('Content-Encoding: br')
    else if (coding < 0.2) fields.push('Content-Encoding: deflate')
    if (coding < 0.1) body = gzipSync(body)
    else if (coding < 0.15) body = brotliCompressSync(body, quick)
    else if (coding < 0.2) body = deflateRawSync(body)
    if (roll() < 0.1) fields.push('Keep-Alive: timeout=2')
    const closes = roll() < 0.1
    if (closes) fields.push('Connection: close')
    const framing = roll()
    if (framing < 0.6) fields.push(`Content-Length: ${body.byteLength}`)
    else if (framing < 0.9) fields.push('Transfer-Encoding: chunked')
    const head = Buffer.from(`${fields.join('\r\n')}\r\n\r\n`)
    // What ends with its connection has to, and nothing comes behind it.
    this.#closing = framing >= 0.9 || closes
    if (method === 'HEAD') return head
    return Buffer.concat([head, framing >= 0.6 && framing < 0.9 ? chunked(body, roll) : body])
  }

  async #pieces(bytes: Uint8Array): Promise<void> {
    const { roll } = this.#world
    if (roll() < 0.6) return this.#write(bytes)
    const size = 1 + Math.floor(roll() * Math.max(20, bytes.byteLength / 8))
    for (let at = 0; at < bytes.byteLength; at += size) {
      this.#write(bytes.subarray(at, at + size))
      if (roll() < 0.3) await turns(1)
    }
  }

  /** What would not end, if anybody went on reading it. */
  #endless({ token }: Asked): Buffer {
    const { roll } = this.#world
    const which = Math.floor(roll() * 6)
    const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    if (which === 0)
      return Buffer.from(`HTTP/1.1 200 OK\r\n${`X-${token}: ${'a'.repeat(90)}\r\n`.repeat(300)}`)
    if (which === 1) return Buffer.from('HTTP/1.1 102 Processing\r\n\r\n'.repeat(40))
    if (which === 2) return Buffer.from(chunks + `1;${'e'.repeat(200)}\r\na\r\n`.repeat(200))
    if (which === 3) return Buffer.from(`${chunks}0\r\n${'X-Trailer: abcdef\r\n'.repeat(2_000)}`)
    if (which === 4)
      return Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Encoding: ${'gzip, '.repeat(200)}gzip\r\nContent-Length: 9\r\n\r\n`,
      )
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.byteLength}\r\n\r\n`
    return Buffer.concat([Buffer.from(head), bomb])
  }
}

function chunked(body: Uint8Array, roll: () => number): Buffer {
  const parts: Uint8Array[] = []
  const least = body.byteLength > 1_000 ? 4_000 : 1
  for (let at = 0; at < body.byteLength;) {
    const piece = body.subarray(at, at + least + Math.floor(roll() * least * 20))
    parts.push(
      Buffer.from(`${piece.byteLength.toString(16)}${roll() < 0.1 ? ';a=b' : ''}\r\n`),
      piece,
      Buffer.from('\r\n'),
    )
    at += piece.byteLength
  }
  parts.push(Buffer.from(roll() < 0.2 ? '0\r\nX-Trailer: yes\r\n\r\n' : '0\r\n\r\n'))
  return Buffer.concat(parts)
}

/** Some bytes changed, left out or said twice. */
function mutated(bytes: Buffer, roll: () => number): Buffer {
  let all = Buffer.from(bytes)
  const within = Math.min(all.length, 200)
  for (let times = 1 + Math.floor(roll() * 3); times > 0; times--) {
    const at = Math.floor(roll() * within)
    const how = roll()
    if (how < 0.4) all[at] = Math.floor(roll() * 256)
    else if (how < 0.6) all = Buffer.concat([all.subarray(0, at), all.subarray(at + 1)])
    else if (how < 0.8) all = Buffer.concat([all.subarray(0, at), all.subarray(Math.max(0, at - 9))])
    else all = Buffer.concat([all.subarray(0, at), Buffer.from('\r\n'), all.subarray(at)])
  }
  return all
}
