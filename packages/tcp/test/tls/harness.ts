import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as open, type Socket } from 'node:net'

import * as tcp from '@fairlead/tcp'

import type { StreamListener } from '../../src/stream.ts'
import { portOf } from '../harness.ts'
import { a, ca } from './certificates.ts'

/** A TLS listener for as long as a test runs, and what its clients need. */
export async function serve(
  tls: Partial<tcp.TlsServerOptions> = {},
  options: Partial<tcp.ListenOptions> = {},
): Promise<{ listener: StreamListener; port: number }> {
  const listener = await tcp.listen({ port: 0, ...options, tls: { ...a, ...tls } })
  return { listener, port: portOf(listener) }
}

/** Connects with TLS to a listener of this machine that calls itself a.example. */
export function dial(
  port: number,
  tls: Partial<tcp.TlsClientOptions> = {},
  options: Partial<tcp.ConnectOptions> = {},
): Promise<tcp.StreamConnection> {
  return tcp.connect({ port, ...options, tls: { ca, serverName: 'a.example', ...tls } })
}

/** The next connection of a listener. */
export async function next(listener: StreamListener): Promise<tcp.StreamConnection> {
  for await (const connection of listener) return connection
  throw new Error('nobody came')
}

/** A listener and one conversation with it over TLS, seen from both sides. */
export async function meet(
  serverTls: Partial<tcp.TlsServerOptions> = {},
  clientTls: Partial<tcp.TlsClientOptions> = {},
): Promise<{
  listener: StreamListener
  client: tcp.StreamConnection
  server: tcp.StreamConnection
}> {
  const { listener, port } = await serve(serverTls)
  const [client, server] = await Promise.all([dial(port, clientTls), next(listener)])
  return { listener, client, server }
}

/** A bare socket, for peers that do not behave. */
export async function raw(port: number): Promise<Socket> {
  const socket = open({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** What a client of TLS says first. */
export async function clientHello(): Promise<Buffer> {
  await using listener = await tcp.listen({ port: 0 })
  const attempt = dial(portOf(listener))
  attempt.catch(() => {})
  const server = await next(listener)
  for await (const chunk of server) {
    server.destroy()
    await attempt.catch(() => {})
    return Buffer.from(chunk)
  }
  throw new Error('nothing was said')
}

/** The fingerprint of a certificate in PEM. */
export function fingerprintOf(pem: string): string {
  const hex = createHash('sha256').update(new X509Certificate(pem).raw).digest('hex').toUpperCase()
  return hex.replaceAll(/..(?=.)/g, '$&:')
}
