// Asks a server that keeps its connections, closes nothing, and says in JSON what it got.

import { Client, fetch, request } from '@fairlead/http'

const [how, url] = process.argv.slice(2)
const client = new Client({ base: url, idleTimeout: 600_000 })

const ways = {
  request: async () => (await request(url)).text(),
  fetch: async () => (await fetch(url)).text(),
  /** Three connections, none of which anybody closes. */
  client: async () => {
    const all = await Promise.all([client.request('/'), client.request('/'), client.request('/')])
    return (await Promise.all(all.map((response) => response.text()))).join('')
  },
  /** The body is there, and nobody reads it. */
  unread: async () => String((await client.request('/')).status),
  /** The connection was idle before it is used again, and waited for. */
  again: async () => {
    await (await client.request('/')).text()
    await new Promise((resolve) => setTimeout(resolve, 20))
    return (await client.request('/late')).text()
  },
  late: async () => (await client.request('/late')).text(),
  body: async () => (await client.request('/slowly')).text(),
}

console.log(JSON.stringify({ body: await ways[how]() }))
