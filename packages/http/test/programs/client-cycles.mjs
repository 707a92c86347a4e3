// Makes a client, uses it and closes it, a thousand times, each time in one of several ways. Says in JSON what the
// process held before and after.

import { readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'

import { Deadline } from '@fairlead/core/transport'
import { Client } from '@fairlead/http'

const cycles = 1_000
const base = `http://127.0.0.1:${process.argv[2]}/`

const ways = [
  async (client) => (await client.request('/page')).text(),
  async (client) => (await client.fetch(`${base}page`)).text(),
  // Several at once, of which the connections are idle then.
  (client) =>
    Promise.all(Array.from({ length: 3 }, async () => (await client.request('/zipped?gzip')).text())),
  // Nobody reads it, or not all of it.
  (client) => client.request('/page'),
  async (client) => {
    for await (const _ of await client.request('/pieces')) break
  },
  async (client) => (await client.request('/echo', { body: { file: new URL(import.meta.url) } })).json(),
  // Aborted before there is a connection, and in the middle of a body.
  (client) => {
    const abort = new AbortController()
    const asked = client.request('/page', { signal: abort.signal })
    abort.abort()
    return asked.catch(() => {})
  },
  async (client) => {
    const abort = new AbortController()
    const response = await client.request('/pieces', { signal: abort.signal })
    abort.abort()
    await response.text().catch(() => {})
  },
  (client) => client.request('http://127.0.0.1:9/').catch(() => {}),
  async () => {},
]

async function cycle(count) {
  const client = new Client({ base })
  await ways[count % ways.length](client)
  if (count % 3 === 0) client.destroy()
  await Promise.all([client.close({ grace: 0 }), client.close()])
  if ((await client.closed).kind !== 'local') throw new Error('it was not us who closed it')
}

/** What the process holds, when it has let go of what it is about to. */
async function held() {
  // A file that is being closed is closed by another thread.
  const closing = () => process.getActiveResourcesInfo().some((name) => /^(Close|FS)Req/.test(name))
  for (let turns = 0; turns < 50 || (turns < 100_000 && closing()); turns++) await turn()
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

for (let count = 0; count < 300; count++) await cycle(count)
const before = await held()
const heapBefore = await heapUsed()
for (let count = 0; count < cycles; count++) await cycle(count)
const after = await held()
console.log(JSON.stringify({ cycles, before, after, grown: (await heapUsed()) - heapBefore }))
