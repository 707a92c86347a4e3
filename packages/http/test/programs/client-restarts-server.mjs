// A server that is started ahead, and serves on `port` once it gets SIGUSR2. Before it answers a request, it notes in
// the file `log` that it has processed it. `node` is node:http, `own` is ours. SIGTERM ends it politely.

import { openSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as after } from 'node:timers/promises'

import { listen } from '@fairlead/http'

const [kind, port, log] = process.argv.slice(2)
const where = { host: '127.0.0.1', port: Number(port) }
const journal = openSync(log, 'a')
const filler = 'x'.repeat(100_000)

/** A token is answered in its own way: at once, or with a rest before or after it is processed, long or short. */
async function answerTo(method, target, body) {
  const token = target.slice(1)
  const number = Number.parseInt(token, 10)
  let size = 0
  for await (const chunk of body) size += chunk.byteLength
  if (number % 7 === 0) await after(number % 3)
  writeSync(journal, `${method} ${token}\n`)
  if (number % 5 === 0) await after(number % 4)
  return `${method} ${token} ${size} ${filler.slice(0, number % 11 === 0 ? (number * 31) % 100_000 : number % 500)}`
}

async function serveOwn() {
  const server = await listen({ ...where, onError: () => {} }, async (exchange) => {
    const { method, target, body } = exchange.request
    await exchange.respond(200, {}, await answerTo(method, target, body))
  })
  return () => server.close({ grace: 1_000 })
}

async function serveNode() {
  const server = createServer(async (request, response) => {
    try {
      response.end(await answerTo(request.method, request.url, request))
    } catch {
      request.socket.destroy()
    }
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, resolve)
  })
  return () => {
    setTimeout(() => server.closeAllConnections(), 100)
    return new Promise((resolve) => server.close(resolve))
  }
}

process.once('SIGUSR2', async () => {
  for (;;) {
    try {
      const close = await (kind === 'own' ? serveOwn() : serveNode())
      process.once('SIGTERM', async () => {
        await close()
        clearInterval(waiting)
      })
      console.log('serving')
      return
    } catch (error) {
      // The one before it has not let go of the port yet.
      if (!/EADDRINUSE|in use/.test(error.message)) throw error
      await after(1)
    }
  }
})
const waiting = setInterval(() => {}, 60_000)
console.log('ready')
