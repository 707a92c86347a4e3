import type { ByteConnection } from '@fairlead/core'
import * as http from '@fairlead/http'
import { type Fields, ResponseParser } from '@fairlead/http/codec'
import * as tcp from '@fairlead/tcp'

import type { Broom } from '../broom.ts'
import { portOf } from '../tcp/meeting.ts'
import { soon, until } from '../wait.ts'

/** A server on loopback, and where it is. */
export interface Served {
  readonly server: http.HttpListener
  readonly port: number
  readonly origin: string
}

const quick: http.HttpListenOptions = { idleGrace: 0 }

/** Listens, with no patience for idle connections once it shuts down. */
export async function open(
  broom: Broom,
  onExchange?: http.OnExchange,
  options: http.HttpListenOptions = {},
): Promise<Served> {
  return servedBy(broom.keep(await http.listen({ ...quick, ...options }, onExchange)))
}

/** The same for a handler of web-standard requests. */
export async function serve(
  broom: Broom,
  handler: http.FetchHandler,
  options: http.HttpListenOptions = {},
): Promise<Served> {
  return servedBy(broom.keep(await http.serve({ ...quick, ...options }, handler)))
}

export function servedBy(server: http.HttpListener): Served {
  const port = server.address.kind === 'ip' ? portOf(server) : 0
  return { server, port, origin: `http://127.0.0.1:${port}` }
}

/** A client that writes bytes as they stand, and keeps all that comes. */
export class WireClient {
  readonly connection: ByteConnection
  text = ''
  ended = false

  constructor(connection: ByteConnection) {
    this.connection = connection
    connection.handle({
      onData: (chunk) => void (this.text += Buffer.from(chunk).toString('latin1')),
      onEnd: () => {
        this.ended = true
        connection.end()
      },
      onClose: () => void (this.ended = true),
    })
  }

  write(text: string): void {
    this.connection.write(text, 'latin1')
  }

  /** Resolves when `words` have come. */
  heard(words: string): Promise<void> {
    return this.#until(() => this.text.includes(words), `${JSON.stringify(words)} comes`)
  }

  /** Resolves with the answers, the first of them to `methods`, once there are `count`. */
  async answers(count: number, ...methods: string[]): Promise<Answer[]> {
    const parse = (): Answer[] => answersIn(this.text, methods)
    await this.#until(() => this.ended || parse().length >= count, `${count} answers come`)
    const answers = parse()
    if (answers.length < count) throw new Error(`The connection ended after ${this.#excerpt()}`)
    return answers
  }

  /** Resolves with all that came, once the server has ended or reset the connection. */
  async toEnd(): Promise<string> {
    await this.#until(() => this.ended, 'the connection ends')
    return this.text
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    try {
      await until(condition, what)
    } catch {
      throw new Error(`Waited in vain until ${what}, after ${this.#excerpt()}`)
    }
  }

  #excerpt(): string {
    return JSON.stringify(this.text.slice(-400))
  }
}

/** A client of `port`, or of whatever `options` lead to. */
export async function wire(
  broom: Broom,
  { port }: Pick<Served, 'port'>,
  options: tcp.ConnectOptions = {},
): Promise<WireClient> {
  const connecting = tcp.connect({ ...('path' in options ? {} : { port }), ...options })
  return new WireClient(broom.keep(await soon(connecting, 'it is connected')))
}

/** One answer as a client that knows HTTP reads it. */
export interface Answer {
  readonly status: number
  readonly fields: Fields
  body: string
  trailers: Fields | undefined
}

/** The answers that are whole in `text`: the first of them to `methods`, the rest to GET. */
function answersIn(text: string, methods: readonly string[]): Answer[] {
  const whole: Answer[] = []
  let last: Answer | undefined
  const parser = new ResponseParser(
    {
      onHead: ({ status, fields }) => {
        last = { status, fields, body: '', trailers: undefined }
        if (status < 200) whole.push(last)
      },
      onBody: (chunk) => {
        if (last) last.body += Buffer.from(chunk).toString('latin1')
      },
      onEnd: (trailers) => {
        if (last) whole.push(Object.assign(last, { trailers }))
      },
    },
    { bodyBytes: Infinity },
  )
  const count = text.split(/HTTP\/1\.1 [2-9]/).length
  for (let at = 0; at < count; at++) parser.expect(methods[at] ?? 'GET')
  parser.push(Buffer.from(text, 'latin1'))
  return whole
}

/** A request head with Host and the empty line. */
export function head(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: example', ...fields, '', ''].join('\r\n')
}

/** Writes `text` to a server, and gives the answers of a connection that it ends. */
export async function ask(broom: Broom, served: Served, text: string): Promise<Answer[]> {
  const client = await wire(broom, served)
  client.write(text)
  await client.toEnd()
  return client.answers(0)
}

/** Something that happens once, when it is time. */
export class Gate {
  open!: () => void
  readonly opened = new Promise<void>((resolve) => (this.open = resolve))
}

/** Texts in a row, each when it is asked for. */
export async function* pieces(...texts: readonly string[]): AsyncGenerator<string> {
  for (const text of texts) {
    await new Promise((resolve) => setImmediate(resolve))
    yield text
  }
}

/** Bytes that show when one is missing, twice there, or in another's place. */
export function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 7 + (at >> 8)) & 0xff
  return bytes
}
