import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect } from 'vitest'

import { downloadWith } from '../../../src/client/download/download.ts'
import type { DownloadOptions, SavedFile } from '../../../src/client/download/options.ts'
import type { Client, RequestOptions } from '../../../src/index.ts'
import { type Asked as RawAsked, type RawPeer, type RawServer, rawWays } from '../raw-server.ts'

/** Where what was sent comes, whoever ends the connection behind it. */
const overTcp = rawWays.find(({ name }) => name === 'tcp')

/** What a server says in the place of what it would. */
export interface Answer {
  status: number
  fields?: Record<string, string>
  body?: Uint8Array | string
  /** Bytes of the body behind which the connection ends. */
  cut?: number
  /** Without a length, and to the end of the connection. */
  untilClose?: boolean
}

export interface Asked {
  method: string
  range: string | undefined
  ifRange: string | undefined
  coding: string | undefined
}

/** A server of one file, with ranges; and with whatever faults a test wants. */
export class FileServer {
  readonly #raw: RawServer
  readonly client: Client
  readonly url: string
  readonly asked: Asked[] = []
  file: Buffer
  etag: string | undefined = '"1"'
  lastModified: string | undefined
  /** Bytes of the body behind which each of the next answers is cut. */
  cuts: (number | undefined)[] = []
  /** What to answer in the place of what the file says, for each request. */
  answers: ((asked: Asked, usual: Answer) => Answer | undefined)[] = []

  private constructor(raw: RawServer, file: Buffer) {
    this.#raw = raw
    raw.script = (asked, peer) => this.#answer(asked, peer)
    this.file = file
    this.url = `${raw.url.replace('//', '//user:secret@')}/file?key=secret`
    this.client = raw.client()
  }

  static async open(file: Buffer): Promise<FileServer> {
    return new FileServer(await overTcp!.open(), file)
  }

  /** With no time between attempts. */
  download(path: string, options: RequestOptions & DownloadOptions = {}): Promise<SavedFile> {
    const backoff = { random: () => 0 }
    return downloadWith(this.client, this.url, path, { resume: true, backoff, ...options })
  }

  get ranges(): (string | undefined)[] {
    return this.asked.map(({ range }) => range)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy()
    await this.#raw[Symbol.asyncDispose]()
  }

  #answer({ method, fields }: RawAsked, peer: RawPeer): void {
    const asked = {
      method,
      range: fields.get('range'),
      ifRange: fields.get('if-range'),
      coding: fields.get('accept-encoding'),
    }
    this.asked.push(asked)
    const usual = this.#usual(asked)
    const { status, cut, untilClose, ...answer } = this.answers.shift()?.(asked, usual) ?? usual
    const body = Buffer.from(answer.body ?? '')
    const lines = Object.entries(answer.fields ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
    if (!untilClose && status !== 204 && status !== 304) lines.push(`Content-Length: ${body.length}\r\n`)
    peer.write(`HTTP/1.1 ${status} \r\n${lines.join('')}\r\n`)
    const sent = method === 'HEAD' ? 0 : cut
    if (body.length > 0 && sent !== 0) peer.write(new Uint8Array(body.subarray(0, sent)))
    if (cut !== undefined || untilClose) peer.end()
  }

  /** What a server that does all of it right says. */
  #usual({ method, range, ifRange }: Asked): Answer {
    const { file, etag, lastModified } = this
    const cut = this.cuts.shift()
    const fields: Record<string, string> = { Date: new Date().toUTCString() }
    if (etag !== undefined) fields['ETag'] = etag
    if (lastModified !== undefined) fields['Last-Modified'] = lastModified
    const cutting = cut === undefined ? {} : { cut }
    const [, first] = /^bytes=(\d+)-$/.exec(range ?? '') ?? []
    const same = ifRange === undefined || ifRange === etag || ifRange === lastModified
    if (method === 'HEAD' || first === undefined || !same)
      return { status: 200, fields, body: file, ...cutting }
    if (Number(first) >= file.length) {
      return { status: 416, fields: { ...fields, 'Content-Range': `bytes */${file.length}` } }
    }
    fields['Content-Range'] = `bytes ${first}-${file.length - 1}/${file.length}`
    return { status: 206, fields, body: file.subarray(Number(first)), ...cutting }
  }
}

/** What this process has open. */
function opened(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // The one that the list was read with.
      return ''
    }
  })
}

/** A folder that each test of a file has for itself, and that nothing may be left open in. */
export function useFolder(): { path(name: string): string; names(): string[] } {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'fairlead-'))
  })
  afterEach(async () => {
    // What nobody waits for is closed a little later.
    await expect.poll(() => opened().filter((path) => path.startsWith(folder)), { interval: 5 }).toEqual([])
    rmSync(folder, { recursive: true })
  })
  return {
    path: (name) => join(folder, name),
    names: () => readdirSync(folder).toSorted(),
  }
}

/** The same bytes for the same seed: nothing of it repeats where a part could be mistaken for another. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed >>> 0 || 1
  for (let at = 0; at < length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state & 0xff
  }
  return bytes
}

/** Numbers from 0 up to and without `below`, the same for the same seed. */
export function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
