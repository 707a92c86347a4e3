import { EventSourceParserStream } from 'eventsource-parser/stream'

import {
  Client,
  type FetchHandler,
  type HttpListener,
  type IncomingResponse,
  type RequestOptions,
  serve,
} from '../../src/index.ts'

/** An application that is served, for as long as somebody uses it. */
export interface Program extends AsyncDisposable {
  readonly url: string
  readonly server: HttpListener
  /** What the application threw. */
  readonly errors: unknown[]
  ask(path: string, init?: RequestInit): Promise<Response>
  /** Asks with our client, which follows redirects and decodes what is coded. */
  request(path: string, options?: RequestOptions): Promise<IncomingResponse>
}

export async function run(handler: FetchHandler): Promise<Program> {
  const errors: unknown[] = []
  const server = await serve({ port: 0, idleGrace: 0, onError: (error) => void errors.push(error) }, handler)
  if (server.address.kind !== 'ip') throw new Error('not on a port')
  const url = `http://127.0.0.1:${server.address.port}`
  const client = new Client({ base: url })
  return {
    url,
    server,
    errors,
    ask: (path, init) => fetch(url + path, { redirect: 'manual', ...init }),
    request: (path, options) => client.request(path, options),
    async [Symbol.asyncDispose]() {
      client.destroy()
      await server.close()
    },
  }
}

/** What `Set-Cookie` has set, as the client sends it back. */
export function cookiesOf({ headers }: Pick<IncomingResponse, 'headers'>): string {
  return headers
    .all('set-cookie')
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

/** What comes over an event stream, one event at a time. */
export function eventsOf(response: IncomingResponse): Events {
  const events = response
    .stream()
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new EventSourceParserStream() as TransformStream<string, ServerSentEvent>)
    .getReader()
  return {
    async next() {
      const { value, done } = await events.read()
      if (done) throw new Error('The stream of events has ended')
      return value
    },
    leave: () => events.cancel(),
  }
}

export interface ServerSentEvent {
  readonly id?: string
  readonly event?: string
  readonly data: string
}

export interface Events {
  /** Rejects when the stream has ended. */
  next(): Promise<ServerSentEvent>
  leave(): Promise<void>
}

export const json = (value: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
})

/** A form with a text, a file of `size` bytes, and a name that is no name of one. */
export function form(size: number): FormData {
  const data = new FormData()
  data.set('name', 'ünï')
  data.set('__proto__', 'x')
  data.set('file', new Blob([Buffer.alloc(size, 'fairlead ')], { type: 'application/x-test' }), 'a b.bin')
  return data
}
