// `node program.mjs FILE [--own]` in a folder of ws's: runs a file of its tests, and prints each of them in which a server
// took part as a line of JSON.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { globals, runAll } from './describe.mjs'
import { makeServers } from './server.mjs'

const [file, own] = process.argv.slice(2)
const load = createRequire(join(process.cwd(), 'package.json'))
const WebSocket = load('./index.js')

/** Servers of the test that is under way. */
let servers = []
const Server = own ? WebSocket.Server : makeServers(WebSocket, load('./lib/constants').EMPTY_BUFFER)

class Counted extends Server {
  constructor(...args) {
    super(...args)
    servers.push(this)
  }
}

WebSocket.Server = WebSocket.WebSocketServer = Counted
Object.assign(globalThis, globals)
load(`./${file}`)

let took = false

/** Milliseconds in which what a failed test has left may still fail, so that the next one does not. */
const settling = 300

async function clean(failed) {
  took = servers.length > 0
  for (const server of servers) {
    for (const one of server.clients ?? []) one.terminate()
    server.removeAllListeners()
    server.on('error', () => {})
    server.close(() => {})
  }
  servers = []
  if (failed) await delay(settling)
}

// Between two tests there is nobody to blame.
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

const lines = []
await runAll((test) => took && lines.push(JSON.stringify(test)), clean)
process.stdout.write(`${lines.join('\n')}\n`, () => process.exit())
