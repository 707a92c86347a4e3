import type { ByteConnection, CloseReason } from '@fairlead/core'

import { ResponseParser } from '../../src/codec/index.ts'

/** One answer as a client that knows HTTP reads it. */
export interface Reply {
  status: number
  minor: number
  headers: Record<string, string>
  cookies: string[]
  body: string
}

/** A client that writes bytes as they stand, and keeps what it gets. */
export class RawClient {
  readonly connection: ByteConnection
  readonly chunks: string[] = []
  ended = false
  reason: CloseReason | undefined
  #wakers: (() => void)[] = []

  /** `stay`: does not end when the server does. */
  constructor(connection: ByteConnection, { stay = false } = {}) {
    this.connection = connection
    const wake = (): void => {
      for (const waker of this.#wakers.splice(0)) waker()
    }
    connection.handle({
      onData: (chunk) => {
        this.chunks.push(Buffer.from(chunk).toString('latin1'))
        wake()
      },
      onEnd: () => {
        this.ended = true
        if (!stay) connection.end()
        wake()
      },
      onClose: (reason) => {
        this.reason = reason
        wake()
      },
    })
  }

  /** All that came. */
  get text(): string {
    return this.chunks.join('')
  }

  write(text: string): void {
    this.connection.write(text, 'latin1')
  }

  /** Resolves when `condition` holds; fails when it cannot any more. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.reason)
        throw new Error(`The connection closed (${this.reason.kind}) after ${JSON.stringify(this.text)}`)
      await new Promise<void>((resolve) => this.#wakers.push(resolve))
    }
  }

  /** Resolves with all that came once the server has ended or reset the connection. */
  async toEnd(): Promise<string> {
    await this.until(() => this.ended || this.reason !== undefined)
    return this.text
  }

  /** Resolves with the answers once there are `count`, each whole. */
  async replies(count: number, ...methods: string[]): Promise<Reply[]> {
    await this.until(() => parse(this.text, methods, 1).replies.length >= count)
    return parse(this.text, methods, 1).replies
  }

  /** The answers of a connection that the server ended; throws when the last one is cut. */
  async allReplies(...methods: string[]): Promise<Reply[]> {
    await this.toEnd()
    const { replies, parser } = parse(this.text, methods)
    parser.end()
    return replies
  }
}

/**
 * The answers in `text`, the last of which may be incomplete; those to `methods`, and to GET after them, with `more`
 * to come.
 */
function parse(text: string, methods: string[], more = 0): { replies: Reply[]; parser: ResponseParser } {
  const replies: Reply[] = []
  const all: Reply[] = []
  const parser = new ResponseParser({
    onHead: ({ status, minor, fields }) => {
      const headers: Record<string, string> = Object.create(null) as Record<string, string>
      for (const [name, value] of fields) headers[name.toLowerCase()] = value
      const reply = { status, minor, headers, cookies: fields.all('set-cookie'), body: '' }
      all.push(reply)
      if (status < 200) replies.push(reply)
    },
    onBody: (chunk) => {
      const last = all.at(-1)
      if (last) last.body += Buffer.from(chunk).toString('latin1')
    },
    onEnd: () => {
      const last = all.at(-1)
      if (last) replies.push(last)
    },
  })
  const count = text.split(/HTTP\/1\.1 [2-9]/).length - 1 + more
  for (let at = 0; at < count; at++) parser.expect(methods[at] ?? 'GET')
  parser.push(Buffer.from(text, 'latin1'))
  return { replies, parser }
}
