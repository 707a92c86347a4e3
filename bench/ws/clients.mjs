// The clients, a process of their own in C, and the service behind bridges.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'

import { compile } from '../compile.mjs'

const client = compile(new URL('client/wsclient.c', import.meta.url))
const echoing = compile(new URL('client/echo.c', import.meta.url))

/** Why nothing is measured without them. */
export const missing = client && echoing ? undefined : 'needs Linux and a C compiler'

/** So many messages of `size` bytes there and back, one at a time on each connection. */
export function echo(port, { connections, messages, size }) {
  return told(messages, [port, 'echo', connections, messages, size])
}

/** So many connections, each of which is upgraded, closed and gone before the next one of its kind. */
export function upgrade(port, { connections, upgrades }) {
  return told(upgrades, [port, 'upgrade', connections, upgrades])
}

/** So many rounds in which the server, when asked, sends `messages` of `size` bytes to everybody. */
export function hear(port, { connections, rounds, messages, size }) {
  return told(connections * rounds * messages, [port, 'hear', connections, rounds, messages * size])
}

async function told(units, args) {
  const child = spawn(client, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
  const { seconds } = await json(child.stdout)
  return { units, seconds }
}

/** Starts the service that sends back what it hears, for servers that are started from now on: they are told its port. */
export async function startEcho() {
  const child = spawn(echoing, { stdio: ['pipe', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill())
  const [line] = await once(child.stdout, 'data')
  process.env.FAIRLEAD_BENCH_TARGET = String(line).trim()
}
