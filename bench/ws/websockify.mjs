// Debian's websockify, which has a process for each connection.

import { spawn } from 'node:child_process'
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { ready } from '../server.mjs'

const path = (process.env.PATH ?? '').split(delimiter)
const websockify = path.map((folder) => join(folder, 'websockify')).find(starts)

/** Why nothing is compared with it. */
export const missing = websockify ? undefined : 'needs websockify, as Debian has it'

function starts(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function main() {
  const port = await freePort()
  const target = `127.0.0.1:${process.env.FAIRLEAD_BENCH_TARGET}`
  const child = spawn(websockify, [`127.0.0.1:${port}`, target], { stdio: 'ignore' })
  process.on('exit', () => child.kill())
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 50))
  let most = 0
  const look = () => (most = Math.max(most, sum(treeOf(child.pid), memoryOf)))
  // A process is gone with its connection, and the system keeps no peak of all of them.
  setInterval(look, 300)
  ready(port, {
    cpu: () => sum(treeOf(child.pid), cpuOf),
    peak: () => most,
    forget: () => (most = 0),
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** A process and all that it has started. */
function treeOf(root) {
  const children = new Map()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = Number(statOf(pid)?.[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(pid)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** What follows the name in /proc/PID/stat. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
  } catch {
    return undefined
  }
}

/** Microseconds, of itself and of those of its children that have ended. */
function cpuOf(pid) {
  const stat = statOf(pid)
  const ticks = stat ? stat.slice(11, 15).reduce((sum, one) => sum + Number(one), 0) : 0
  return ticks * 10_000
}

/** Bytes, what is shared with others divided among them. */
function memoryOf(pid) {
  try {
    const [, kibibytes] = /^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
    return kibibytes * 1024
  } catch {
    return 0
  }
}

const sum = (pids, of) => pids.reduce((total, pid) => total + of(pid), 0)

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
