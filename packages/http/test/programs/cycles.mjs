// Starts a server, lets a client ask, and stops it, hundreds of times over TCP and as often over a Unix socket. Says in
// JSON what the process held before and after.

import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

import { Deadline } from '@fairlead/core/transport'
import { listen } from '@fairlead/http'
import * as tcp from '@fairlead/tcp'

const cycles = 500
const path = join(tmpdir(), `fairlead-${process.pid}`)
const head = 'GET / HTTP/1.1\r\nHost: example\r\n\r\n'

async function cycle(where, count) {
  const server = await listen(where, (exchange) => exchange.respond(200, {}, 'ahoy'))
  const { port } = server.address
  const client = await tcp.connect(port === undefined ? where : { port })
  // One is silent, one has been answered, one is being answered, one leaves in the middle.
  if (count % 4 > 0) client.write(count % 4 === 3 ? head.slice(0, 20) : head)
  if (count % 4 === 1) for await (const _ of client) break
  if (count % 4 === 3) client.destroy()
  if (count % 5 === 0) server.destroy()
  await Promise.all([server.close({ grace: 0 }), server.close()])
  client.destroy()
  await client.closed
}

/** What the process holds, when it has let go of what it is about to. */
async function held() {
  for (let turns = 0; turns < 50; turns++) await turn()
  const descriptors = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
  return { resources: process.getActiveResourcesInfo().toSorted().join(), descriptors }
}

async function heapUsed() {
  // Those that are over are let go of at the next tick of their clock, and with them what they were for.
  Deadline.use()
  let least = Infinity
  for (let times = 0; times < 5; times++) {
    globalThis.gc()
    await turn()
    least = Math.min(least, process.memoryUsage().heapUsed)
  }
  return least
}

const ways = [{ port: 0 }, { path }]
for (const where of ways) for (let count = 0; count < 100; count++) await cycle(where, count)
const before = await held()
const heapBefore = await heapUsed()
for (const where of ways) for (let count = 0; count < cycles; count++) await cycle(where, count)
const after = await held()
console.log(JSON.stringify({ before, after, grown: (await heapUsed()) - heapBefore }))
