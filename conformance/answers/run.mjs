import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { ask } from './ask.mjs'
import { changeFiles, makeFiles } from './files.mjs'
import { late, requests } from './requests.mjs'
import { servers as columns } from './servers.mjs'

/** Milliseconds for which a file that was changed has no strong tag with ours. */
const fresh = 2_000

/** Asks servers for the same: each request with its `answers`, by the name of the server. */
export async function run(servers = columns) {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-answers-'))
  chmodSync(folder, 0o755)
  const running = new Map()
  try {
    const root = makeFiles(folder)
    for (const [name, start] of Object.entries(servers)) running.set(name, await start(root))
    changeFiles(root)
    const settled = setTimeout(fresh)
    const rows = requests.map((request) => ({ ...request, answers: {} }))
    // Who is started again knows of the changes.
    const first = rows.filter(({ section }) => section === late)
    const rest = rows.filter(({ section }) => section !== late)
    const asked = async (name) => {
      const answers = new Map()
      for (const row of [...first, ...rest]) {
        const answer = await ask(running.get(name).port, row)
        answers.set(row, answer)
        if (answer.Status !== 'none' || !(await falls(running.get(name)))) continue
        answer.Body = 'none, and its process ends'
        running.set(name, await servers[name](root))
      }
      return answers
    }
    const [ours, ...others] = Object.keys(servers)
    const answers = new Map()
    for (const name of others) answers.set(name, await asked(name))
    await settled
    answers.set(ours, await asked(ours))
    return rows.map((row) => ({
      ...row,
      answers: Object.fromEntries(Object.keys(servers).map((name) => [name, answers.get(name).get(row)])),
    }))
  } finally {
    await Promise.all(Array.from(running.values(), (server) => server.stop()))
    rmSync(folder, { recursive: true })
  }
}

/** Whether the process of one that has not answered ends, as one does whose error nobody catches. */
function falls({ ended }) {
  return Promise.race([ended.then(() => true), setTimeout(10_000, false, { ref: false })])
}
