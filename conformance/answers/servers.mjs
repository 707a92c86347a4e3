// The servers, each in a process of its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { nginx, startNginx } from './nginx.mjs'

const program =
  (name, ...args) =>
  (root) =>
    start(fileURLToPath(new URL(name, import.meta.url)), [root, ...args])

/** By the name of their column, ours first. Each resolves with its `port`, when it has `ended`, and how to `stop` it. */
export const servers = {
  Fairlead: program('ours.mjs'),
  sirv: program('sirv.mjs'),
  ...(nginx && { nginx: startNginx }),
}

/** Ours, when it keeps small files in memory. */
export const keeping = { Fairlead: program('ours.mjs', 'memory') }

async function start(file, args) {
  // What it says when it falls is not for us: that it does is seen.
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = []
  child.stderr.setEncoding('utf8').on('data', (text) => said.push(text))
  const closed = once(child, 'close')
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), closed.then(() => [])])
  if (line === undefined) throw new Error(`${file} does not start: ${said.join('')}`)
  return {
    port: Number(line),
    ended: closed,
    async stop() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
