import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { outcome, Program } from '@fairlead/harness'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** For who wants more of it. */
const factor = Number(process.env['FLAT'] ?? 1)

/** MiB by which the process may grow; without back-pressure it is all of them. */
const most = 96

const mebibyte = 1024 * 1024

interface Outcome {
  readonly passed: number
  readonly grown: number
}

let folder = ''
let port = ''
let file = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
  file = join(folder, 'zeros')
  writeFileSync(file, '')
  truncateSync(file, 1024 * mebibyte * factor)
  const server = Program.start(new URL('../programs/client-flat-server.mjs', import.meta.url), [])
  port = (await server.prints(/^listening on .*:(\d+)$/gm))[0]!
})

afterAll(async () => {
  await Program.killAll()
  rmSync(folder, { recursive: true })
})

describe('a large body leaves the process as small as it was', () => {
  test.each([
    ['downloaded and iterated', 'iterated', 1024],
    ['downloaded and handled', 'handled', 256],
    ['downloaded by fetch', 'fetched', 256],
    ['downloaded by a reader that rests', 'slowly', 256],
    ['uploaded in pieces', 'pieces', 1024],
    ['uploaded from a file', 'file', 256],
    ['uploaded to a server that rests', 'waited', 256],
  ])('%s (%s, %i MiB)', async (_, way, mebibytes) => {
    const size = mebibytes * mebibyte * factor
    const program = new URL('../programs/client-flat.mjs', import.meta.url)
    const got = await outcome<Outcome>(program, [port, way, String(size), file])
    expect(got).toMatchObject({ passed: size, retries: 0, failed: 0, active: 0 })
    expect(got.grown).toBeLessThan(most)
  })
})
