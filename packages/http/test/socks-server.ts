import { type ByteConnection, splice } from '@fairlead/core'
import { ByteReader } from '@fairlead/core/transport'
import * as tcp from '@fairlead/tcp'

/** What a SOCKS server on loopback was asked for, and where it is. */
export interface SocksServer extends AsyncDisposable {
  readonly port: number
  /** `host:port`, in the order in which they came. */
  readonly asked: readonly string[]
}

/** A SOCKS5 proxy (RFC 1928) that lets everybody in, and knows CONNECT alone. */
export async function listenSocks(): Promise<SocksServer> {
  const asked: string[] = []
  const server = await tcp.listen({ port: 0 }, async (connection) => {
    const { host, port } = await destinationOf(connection)
    asked.push(`${host}:${port}`)
    const there = await tcp.connect({ host, port })
    connection.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    await splice(connection, there)
  })
  const { port } = server.address as { port: number }
  return { port, asked, [Symbol.asyncDispose]: () => server.close({ grace: 0 }) }
}

async function destinationOf(connection: ByteConnection): Promise<{ host: string; port: number }> {
  const reader = new ByteReader(connection)
  const [, methods = 0] = await reader.read(2)
  await reader.read(methods)
  connection.write(Uint8Array.of(5, 0))
  const [, , , type] = await reader.read(4)
  const host = type === 1 ? (await reader.read(4)).join('.') : await nameIn(reader)
  const [high = 0, low = 0] = await reader.read(2)
  reader.release()
  return { host, port: high * 256 + low }
}

async function nameIn(reader: ByteReader): Promise<string> {
  const [length = 0] = await reader.read(1)
  return Buffer.from(await reader.read(length)).toString()
}
