/**
 * That connections of a client at rest keep no process alive, in a process of its own, which is to end by itself.
 * Otherwise as `runtimes.ts`.
 */
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { createServer as createTlsServer } from 'node:tls'

import { Client, request } from '@fairlead/http'

import { loopbackIdentity } from './fixtures/identity.ts'

/** Milliseconds that a process has to end in. */
const patience = 5_000

/** Answers, and keeps no process alive itself: neither by listening nor by what it accepted. */
function answer(socket: Socket): void {
  socket.unref()
  socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nahoy'))
  socket.on('error', () => {})
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return (server.address() as AddressInfo).port
}

const own = await loopbackIdentity()
const plain = await portOf(createTcpServer(answer))
const secure = await portOf(createTlsServer({ cert: own.cert, key: String(own.key) }, answer))
const client = new Client({ idleTimeout: Infinity, tls: { ca: own.cert } })
for (const url of [`http://127.0.0.1:${plain}`, `https://127.0.0.1:${secure}`]) {
  for (let times = 0; times < 2; times++) await (await client.request(url)).text()
}
await (await request(`http://127.0.0.1:${plain}`)).text()

const tell = (ok: boolean): void => {
  const error = `the process did not end within ${patience} ms`
  const name = 'connections at rest keep no process alive'
  console.log(JSON.stringify({ suite: 'HTTP client at rest', name, ok, ...(ok ? {} : { error }) }))
}
// Fires only if something keeps the process alive until then.
const late = setTimeout(() => {
  process.removeListener('exit', end)
  tell(false)
  process.exit()
}, patience).unref()
function end(): void {
  clearTimeout(late)
  tell(true)
}
process.once('exit', end)
