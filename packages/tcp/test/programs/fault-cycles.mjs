// Starts and stops what its second argument names, 10,000 times; with `tls` as the first, over TLS and 1,000 times. Says in
// JSON by how many bytes the heap grew, once the runtime had warmed up.

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'

import * as tcp from '@fairlead/tcp'

import { clientOptions, quiet, serverOptions, withTls } from './fault-peers.mjs'

const cycles = withTls ? 1_000 : 10_000
const warm = cycles / 5

let arrive = () => {}
const listener = await tcp.listen({ port: 0, ...serverOptions }, (connection) => {
  arrive(connection)
  return { onData() {} }
})
const where = { port: listener.address.port, ...clientOptions }

/** A connection, seen from both sides. */
async function meet() {
  const arriving = new Promise((resolve) => (arrive = resolve))
  return Promise.all([tcp.connect(where), arriving])
}

const kinds = {
  async listen() {
    const started = await tcp.listen({ port: 0, ...serverOptions })
    await started.close()
  },
  async connect() {
    const [client, server] = await meet()
    await Promise.all([client.close(), server.close()])
  },
  async destroy() {
    const [client, server] = await meet()
    client.destroy()
    server.destroy()
  },
  async abort() {
    const canceller = new AbortController()
    const attempt = tcp.connect({ ...where, signal: canceller.signal })
    setImmediate(() => canceller.abort(new Error('enough')))
    await attempt.then(
      (connection) => connection.destroy(),
      (error) => assert.equal(error.message, 'enough'),
    )
  },
}

/** What the process holds, when it has let go of what it is about to. */
async function resources() {
  while (listener.connections.size > 0 || listener.stats().pending > 0) await turn()
  await quiet()
  return process.getActiveResourcesInfo().toSorted().join()
}

/** The least of several, because what one collection frees may free more in a later one. */
async function heapUsed() {
  let least = Infinity
  for (let i = 0; i < 10; i++) {
    globalThis.gc()
    await quiet()
    least = Math.min(least, process.memoryUsage().heapUsed)
  }
  return least
}

const cycle = kinds[process.argv[3]]
await cycle()
const before = await resources()
let heapBefore = 0
for (let count = 0; count < cycles; count++) {
  if (count === warm) {
    assert.equal(await resources(), before)
    heapBefore = await heapUsed()
  }
  await cycle()
}
assert.equal(await resources(), before)
const grown = (await heapUsed()) - heapBefore
await listener.close({ grace: 0 })
console.log(JSON.stringify({ cycles, grown }))
