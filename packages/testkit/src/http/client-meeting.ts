import assert from 'node:assert/strict'

import { type ByteConnection, splice } from '@fairlead/core'
import * as http from '@fairlead/http'
import { type Fields, RequestParser } from '@fairlead/http/codec'
import * as tcp from '@fairlead/tcp'

import type { Broom } from '../broom.ts'
import { portOf } from '../tcp/meeting.ts'
import { failureOf, until } from '../wait.ts'

/** One request as a server that knows HTTP reads it. */
export interface Asked {
  readonly method: string
  readonly target: string
  readonly fields: Fields
  /** As Latin-1. */
  body: string
  trailers: Fields | undefined
}

/** What a server writes when a request has come, whole: nothing for undefined. */
export type Script = (asked: Asked, peer: RawPeer) => string | Uint8Array | void

/** A connection as a server has it that writes bytes as they stand. */
export class RawPeer {
  readonly connection: ByteConnection
  readonly asked: Asked[] = []
  /** All that came, as Latin-1. */
  text = ''
  /** Whether the client has let go of it, in whatever manner. */
  gone = false

  constructor(connection: ByteConnection, script: Script) {
    this.connection = connection
    let at: Asked | undefined
    const parser = new RequestParser(
      {
        onHead: ({ method, target, fields }) =>
          (at = { method, target, fields, body: '', trailers: undefined }),
        onBody: (chunk) => void (at!.body += Buffer.from(chunk).toString('latin1')),
        onEnd: (trailers) => {
          at!.trailers = trailers
          this.asked.push(at!)
          const answer = script(at!, this)
          if (answer) this.write(answer)
        },
      },
      { bodyBytes: Infinity },
    )
    connection.handle({
      onData: (chunk) => {
        this.text += Buffer.from(chunk).toString('latin1')
        parser.push(Buffer.from(chunk))
      },
      onEnd: () => {
        this.gone = true
        connection.end()
      },
      onClose: () => void (this.gone = true),
    })
  }

  write(bytes: string | Uint8Array): void {
    if (this.connection.state === 'open') this.connection.write(bytes, 'latin1')
  }
}

/** A server that says what a check wants it to say. */
export class RawServer {
  readonly peers: RawPeer[] = []
  readonly port: number
  readonly origin: string

  constructor(port: number) {
    this.port = port
    this.origin = `http://127.0.0.1:${port}`
  }

  /** Resolves with connection number `at`, once so many requests have come on it. */
  async peer(at: number, requests = 1): Promise<RawPeer> {
    await until(() => (this.peers[at]?.asked.length ?? 0) >= requests, `${requests} requests come`)
    return this.peers[at]!
  }

  /** Resolves when its clients have let go of all connections. */
  deserted(): Promise<void> {
    return until(() => this.peers.every(({ gone }) => gone), 'the connections are gone')
  }
}

export async function raw(broom: Broom, script: Script = () => {}): Promise<RawServer> {
  const accept = (connection: ByteConnection): void => void server.peers.push(new RawPeer(connection, script))
  const listener = broom.keep(await tcp.listen({}, accept))
  const server = new RawServer(portOf(listener))
  return server
}

/** An answer of a head, and a body with its length. */
export function said(status: string, body = '', ...fields: string[]): string {
  return [`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n')
}

/** A proxy that knows CONNECT alone, and wants no less than `authorization`. */
export async function tunnels(
  broom: Broom,
  authorization?: string,
): Promise<{ asked: string[]; port: number }> {
  const asked: string[] = []
  const listener = await tcp.listen({}, (near) => {
    let text = ''
    near.handle({
      onData(chunk) {
        text += Buffer.from(chunk).toString('latin1')
        if (!text.endsWith('\r\n\r\n')) return
        asked.push(text)
        const port = Number(/^CONNECT [^ ]+:(\d+) HTTP\/1\.1\r\n/.exec(text)?.[1])
        const known =
          authorization === undefined || text.includes(`Proxy-Authorization: ${authorization}\r\n`)
        if (!known) return (near.write(said('407 Proxy Authentication Required')), near.end())
        near.pause()
        return tcp.connect({ port }).then((far) => {
          near.write('HTTP/1.1 200 Connected\r\n\r\n')
          void splice(near, far)
          near.resume()
        })
      },
    })
  })
  return { asked, port: portOf(broom.keep(listener)) }
}

/** A client of its own, of whatever is there. */
export function client(
  broom: Broom,
  { origin }: { readonly origin: string },
  options: http.ClientOptions = {},
): http.Client {
  return broom.keep(new http.Client({ base: origin, ...options }))
}

/** How the pools of a client stand, taken together. */
export function standing(asking: http.Client): {
  connections: number
  idle: number
  connecting: number
  queued: number
} {
  const sum = { connections: 0, idle: 0, connecting: 0, queued: 0 }
  for (const pool of Object.values(asking.stats().origins)) {
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += pool[name]
  }
  return sum
}

/** The RequestError that `asked` rejects with. */
export async function requestErrorOf(asked: Promise<unknown>): Promise<http.RequestError> {
  const error = await failureOf(asked, 'the request')
  assert.ok(error instanceof http.RequestError, String(error))
  return error
}
