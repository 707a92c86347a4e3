import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import { expect, onTestFinished, test } from 'vitest'

import { serveFiles } from '../../src/files/index.ts'
import type { ServeFilesOptions } from '../../src/files/options.ts'

/** Gives a link, or a folder on the way, one target and then the other, as fast as it can. */
const swap = `
const { parentPort, workerData: { link, inside, outside } } = require('node:worker_threads')
const { renameSync, symlinkSync } = require('node:fs')
let stop = false
parentPort.on('message', () => (stop = true))
let swaps = 0
function round() {
  for (let at = 0; at < 50; at++) {
    for (const target of [outside, inside]) {
      symlinkSync(target, link + '.next')
      renameSync(link + '.next', link)
      swaps++
    }
  }
  if (stop) parentPort.postMessage(swaps)
  else setImmediate(round)
}
round()
`

// FAULTS 14: a symlink swapped between check and open.
test.each<[string, string, ServeFilesOptions]>([
  ['of a file', '/link', {}],
  ['of a folder on the way', '/link/file.txt', {}],
  ['of a folder on the way, with memory', '/link/file.txt', { memory: { revalidate: 0 } }],
  ['of a folder that is listed', '/link/', { listing: true }],
])('a link %s that is swapped all the time leads never outside', async (_, path, options) => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-swap-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const name of ['root/in', 'out']) {
    mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, name, 'file.txt'), name)
    writeFileSync(join(folder, name, `${name.slice(-3)}-secret`), '')
  }
  const isFile = path === '/link'
  const target = (name: string): string => join(folder, name, isFile ? 'file.txt' : '')
  const open = (): number => readdirSync('/proc/self/fd').length
  const workerData = { link: join(folder, 'root/link'), inside: target('root/in'), outside: target('out') }
  const swapper = new Worker(swap, { eval: true, workerData })
  await new Promise((resolve) => swapper.once('online', resolve))
  const handler = serveFiles(join(folder, 'root'), options)
  const before = open()
  const statuses: Record<number, number> = {}
  for (
    let round = 0;
    round < 60 || (!statuses[404] && round < 5_000) || (!statuses[200] && round < 5_000);
    round++
  ) {
    const answers = Array.from({ length: 8 }, async () => handler(new Request(`http://localhost${path}`)))
    for (const { status, body } of await Promise.all(answers)) {
      statuses[status] = (statuses[status] ?? 0) + 1
      const said = body ? await new Response(body).text() : ''
      expect(said).not.toMatch(status === 200 ? /^out|out-secret/ : /secret|^out/)
    }
  }
  const swaps = await new Promise<number>((resolve) => {
    swapper.once('message', resolve)
    swapper.postMessage('stop')
  })
  await swapper.terminate()
  expect(swaps).toBeGreaterThan(100)
  // It was seen on both sides.
  expect(statuses[200]).toBeGreaterThan(0)
  expect(statuses[404]).toBeGreaterThan(0)
  await expect.poll(open).toBeLessThanOrEqual(before)
})
