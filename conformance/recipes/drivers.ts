import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'

import { expect } from 'vitest'

import { Authority, type Identity } from '../../packages/tcp/test/tls/certificates.ts'
import { type Driver, printsItsComments } from './driver.ts'
import { httpDrivers } from './http.ts'
import { Host, Peer } from './peer.ts'
import type { Recipe } from './recipes.ts'
import { Running } from './running.ts'
import { udpDrivers } from './udp.ts'

const authority = await Authority.create('Recipes')

function filesOf({ cert, key }: Identity): Record<string, string> {
  return { 'cert.pem': cert, 'key.pem': key }
}

/** TLS on top of a socket, or on a connection of its own. */
async function secured(
  where: { port: number } | { socket: Duplex },
  servername = 'localhost',
): Promise<TLSSocket> {
  const socket = connectTls({ ...where, host: '127.0.0.1', servername, ca: authority.cert })
  await once(socket, 'secureConnect')
  return socket
}

async function echo(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const bytes = randomBytes(3_000_000)
  const peer = await Peer.to(await running.port())
  expect((await peer.say(bytes).finish()).equals(bytes)).toBe(true)
  await running.interrupt()
}

async function chat(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const port = await running.port()
  const [ann, bob, cid] = [await Peer.to(port), await Peer.to(port), await Peer.to(port)]
  // Whether all are in the room shows only when all hear from one another.
  for (const [from, to] of [
    [ann, bob],
    [bob, cid],
    [cid, ann],
  ] as const) {
    for (let i = 0; !to.heard.includes('here'); i++) {
      from.say(`here ${i}\n`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  ann.say('ahoy\n')
  await bob.hears('ahoy\n')
  await cid.hears('ahoy\n')
  bob.socket.destroy()
  ann.say('farewell\n')
  await cid.hears('farewell\n')
  expect(ann.heard.includes('ahoy')).toBe(false)
  await ann.finish()
  await cid.finish()
  await running.interrupt()
}

async function tls(recipe: Recipe): Promise<void> {
  const [first, second] = [await authority.server('localhost'), await authority.server('localhost')]
  const running = await Running.start(recipe, { files: filesOf(first) })
  const port = await running.port()
  const certificate = async (): Promise<string> => {
    const socket = await secured({ port })
    const peer = new Peer(socket)
    const shown = socket.getPeerX509Certificate()?.toString() ?? ''
    expect((await peer.say('ahoy').finish()).toString()).toBe('ahoy')
    return shown.replaceAll(/\s/g, '')
  }
  const [before, after] = [first, second].map(({ cert }) => cert.replaceAll(/\s/g, ''))
  expect(await certificate()).toBe(before)
  await running.prints(/TLSv1\.3 localhost/g)

  for (const [name, text] of Object.entries(filesOf(second))) writeFileSync(join(running.folder, name), text)
  running.signal('SIGHUP')
  await running.prints(/certificate renewed/g)
  expect(await certificate()).toBe(after)

  writeFileSync(join(running.folder, 'key.pem'), first.key)
  running.signal('SIGHUP')
  await running.prints(/kept the old one: Invalid option tls\.key/g)
  expect(await certificate()).toBe(after)
  await running.interrupt()
}

async function tlsClient(recipe: Recipe): Promise<void> {
  const { cert, key } = await authority.server('localhost')
  const server = createTlsServer({ cert, key }, (socket) => socket.pipe(socket))
  const host = await Host.open(server)
  const running = await Running.start(recipe, {
    ports: { 7443: host.port },
    files: { 'cert.pem': authority.cert },
  })
  await running.endsWell()
  expect(running.output).toBe('CN=localhost\nahoy\n')
  host.close()
}

async function severalNames(recipe: Recipe): Promise<void> {
  const a = await authority.server('a.example')
  const b = await authority.server('b.example', '*.b.example')
  const files = { 'a.pem': a.cert, 'a.key.pem': a.key, 'b.pem': b.cert, 'b.key.pem': b.key }
  const running = await Running.start(recipe, { files })
  const port = await running.port()
  for (const name of ['a.example', 'chat.b.example']) {
    const peer = new Peer(await secured({ port }, name))
    expect((await peer.finish()).toString()).toBe(`this is ${name}\n`)
  }
  await expect(secured({ port }, 'c.example')).rejects.toThrow()
  await running.interrupt()
}

async function mutualTls(recipe: Recipe): Promise<void> {
  const server = await authority.server('localhost')
  const alice = await authority.client('alice')
  const files = {
    'ca.pem': authority.cert,
    'server.pem': server.cert,
    'server.key.pem': server.key,
    'alice.pem': alice.cert,
    'alice.key.pem': alice.key,
  }
  await printsItsComments(recipe, { files })
}

async function sessions(recipe: Recipe): Promise<void> {
  const { cert, key } = await authority.server('localhost')
  const host = await Host.open(createTlsServer({ cert, key }, (socket) => socket.pipe(socket)))
  const files = { 'ca.pem': authority.cert }
  const running = await Running.start(recipe, { ports: { 7443: host.port }, files })
  await running.endsWell()
  expect(running.output).toBe('ahoy false\nahoy true\n')
  host.close()
}

async function startTls(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe, { files: filesOf(await authority.server('localhost')) })
  const plain = await Peer.to(await running.port())
  await plain.hears('220 ready\r\n')
  plain.say('HELP\r\n')
  await plain.hears('530 STARTTLS first\r\n')
  plain.say('STARTTLS\r\n')
  await plain.hears('220 go ahead\r\n')
  plain.socket.removeAllListeners('data')
  const secret = new Peer(await secured({ socket: plain.socket }))
  await secret.say('HELP\r\n').hears('250 HELP, privately\r\n')
  secret.socket.end()
  await running.interrupt()
}

async function forwarder(recipe: Recipe): Promise<void> {
  expect(recipe.code.trim().split('\n').length).toBeLessThanOrEqual(20)
  const host = await Host.open()
  const running = await Running.start(recipe, { ports: { 7001: host.port } })
  const client = await Peer.to(await running.port())
  client.say('to the server').socket.end()
  const server = await host.guest()
  expect((await server.end()).toString()).toBe('to the server')
  server.say('to the client, behind its end').socket.end()
  expect((await client.end()).toString()).toBe('to the client, behind its end')
  await running.prints(/13 bytes there, 29 back: remote/g)
  host.close()
  await running.interrupt()
}

async function reconnecting(recipe: Recipe): Promise<void> {
  const host = await Host.open()
  const running = await Running.start(recipe, { ports: { 7000: host.port } })
  const first = await host.guest()
  await first.hears('hello\n')
  first.say('welcome\n')
  await running.prints(/^welcome$/gm)
  first.socket.end()
  await running.prints(/^remote: again in \d+ ms$/gm)
  const second = await host.guest()
  await second.hears('here again\n')
  running.signal('SIGINT')
  await second.finish()
  await running.endsWell()
  expect(running.output).toMatch(/over: \{ kind: 'local' \}\n$/)
  host.close()
}

async function proxied(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const proxy = await Peer.to(await running.port())
  proxy.say('PROXY TCP4 192.0.2.7 198.51.100.1 5000 80\r\n')
  expect((await proxy.finish()).toString()).toBe('192.0.2.7:5000 by way of 127.0.0.1\n')
  const liar = await Peer.to(await running.port())
  expect((await liar.say('GET / HTTP/1.1\r\n\r\n').finish()).toString()).toBe('')
  await running.interrupt()
}

async function systemd(recipe: Recipe): Promise<void> {
  const host = await Host.open()
  const { fd } = (host.server as unknown as { _handle: { fd: number } })._handle
  const shell = 'export LISTEN_FDS=1 LISTEN_PID=$$;'
  const activated = await Running.start(recipe, { descriptor: fd, shell })
  expect(await activated.port()).toBe(host.port)
  host.close()
  const alone = await Running.start(recipe)
  expect(await alone.port()).not.toBe(host.port)
  for (const running of [activated, alone]) {
    const peer = await Peer.to(await running.port())
    expect((await peer.say('ahoy').finish()).toString()).toBe('ahoy')
    running.signal('SIGTERM')
    await running.endsWell()
  }
}

/** Under load the same program is tried in packages/tcp/test/e2e. */
async function gracefulRestart(recipe: Recipe): Promise<void> {
  const program = new URL('../../packages/tcp/test/programs/cluster.mjs', import.meta.url)
  expect(readFileSync(program, 'utf8')).toContain(recipe.code)
  const running = await Running.start(recipe)
  const ports = await running.prints(/listens on port (\d+)/g, 2)
  const port = Number(ports[0])
  const early = await Peer.to(port)
  await early.say('early').hears('early')
  running.signal('SIGHUP')
  await running.prints(/listens on port (\d+)/g, 4)
  // Of the old workers one has somebody, and lets him finish.
  await running.prints(/(\d+) is done/g, 1)
  const late = await Peer.to(port)
  await late.say('late').hears('late')
  expect((await early.say(', and not cut').finish()).toString()).toBe('early, and not cut')
  await running.prints(/(\d+) is done/g, 2)
  expect((await late.finish()).toString()).toBe('late')
}

async function file(recipe: Recipe): Promise<void> {
  const content = 'A line of a long file.\n'.repeat(400_000)
  const running = await Running.start(recipe, { files: { 'big.bin': content } })
  const peer = await Peer.to(await running.port())
  expect((await peer.end()).toString() === content).toBe(true)
  peer.socket.end()
  await running.interrupt()
}

async function ticker(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const peer = await Peer.to(await running.port())
  while (peer.heard.filter((byte) => byte === 10).length < 3) await once(peer.socket, 'data')
  expect(peer.heard.toString()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z\n/)
  await peer.finish()
  await running.prints(/^[1-9]\d* ticks: [1-9]\d* sent, 0 dropped, 0 lost$/gm)
  await running.interrupt()
}

async function limits(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const port = await running.port()
  const welcome = await Promise.all(Array.from({ length: 20 }, () => Peer.to(port)))
  for (const peer of welcome) await peer.say('ahoy').hears('ahoy')
  expect((await (await Peer.to(port)).end()).toString()).toBe('')
  running.signal('SIGUSR2')
  await running.prints(/address: 1,/g)
  for (const peer of welcome) await peer.finish()
  await running.interrupt()
}

async function watching(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const port = await running.port()
  const peer = await Peer.to(port)
  await peer.say('ahoy').hears('ahoy')
  await (await Peer.to(port)).end()
  await running.prints(/^refused: connections$/gm)
  await peer.finish()
  await running.prints(/^in: 127\.0\.0\.1:\d+$/gm)
  await running.prints(/^out: (?:local|remote), 4 bytes in, 4 out$/gm)
  await running.interrupt()
}

async function webStreams(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const peer = await Peer.to(await running.port())
  expect((await peer.sayZipped('ahoy').finish()).toString()).toBe('ahoy')
  await running.interrupt()
}

async function nodeStreams(recipe: Recipe): Promise<void> {
  const host = await Host.open(createHttpServer((_, response) => response.end('ahoy\n')))
  const running = await Running.start(recipe, { ports: { 7080: host.port } })
  await running.endsWell()
  expect(running.output).toBe('ahoy\n')
  host.close()
}

const tcp = (heading: string): string => `packages/tcp/README.md: ${heading}`
const core = (heading: string): string => `packages/core/README.md: ${heading}`
const websocket = (heading: string): string => `packages/ws-bridge/README.md: ${heading}`

export const drivers: ReadonlyMap<string, Driver> = new Map([
  ...udpDrivers,
  ...httpDrivers,
  [tcp('@fairlead/tcp'), printsItsComments],
  [tcp('Echo'), echo],
  [tcp('Chat'), chat],
  [tcp('Requests and answers'), printsItsComments],
  [tcp('TLS'), tls],
  [tcp('A TLS client'), tlsClient],
  [tcp('STARTTLS'), startTls],
  [tcp('A port forwarder'), forwarder],
  [tcp('A client that comes back'), reconnecting],
  [tcp('Behind a proxy'), proxied],
  [tcp('A Unix socket'), printsItsComments],
  [tcp('A socket from systemd'), systemd],
  [tcp('Restarting without refusing anybody'), gracefulRestart],
  [tcp('Sending a file'), file],
  [tcp('A ticker'), ticker],
  [tcp('Time limits'), printsItsComments],
  [tcp('Limits'), limits],
  [tcp('Watching'), watching],
  [tcp('Web streams'), webStreams],
  [tcp('Node streams'), nodeStreams],
  [websocket('@fairlead/ws-bridge'), printsItsComments],
  [websocket('Reconnect'), printsItsComments],
  [websocket('Web streams'), printsItsComments],
  [websocket('UDP through an HTTP proxy'), printsItsComments],
  ['docs/TLS.md: Several names', severalNames],
  ['docs/TLS.md: Both sides show a certificate', mutualTls],
  ['docs/TLS.md: Shorter handshakes', sessions],
  [core('@fairlead/core'), printsItsComments],
  [core('Handlers'), printsItsComments],
  [core('Framing'), printsItsComments],
  [core('Addresses and endpoints'), printsItsComments],
  [core('When the peer does not read'), printsItsComments],
  [core('Joining two connections'), printsItsComments],
  [core('Connecting again'), printsItsComments],
  [core('Back-off'), printsItsComments],
  [core('Streams at the edges'), printsItsComments],
  [core('Somebody else’s streams'), printsItsComments],
  [core('A bad network'), printsItsComments],
  [core('Diagnostics'), printsItsComments],
  [core('Reading by need'), printsItsComments],
])
