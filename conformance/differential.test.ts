import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const run = promisify(execFile)

interface Known {
  readonly class: string
  readonly right: string
  readonly rfc: string
  readonly why: string
}

const known = JSON.parse(readFileSync(here('differential/known.json'), 'utf8')) as Known[]

test('our codec and llhttp disagree on nothing that is not explained', async () => {
  const { stdout } = await run(process.execPath, [
    here('differential.mjs'),
    '--inputs',
    '6000',
    '--seed',
    '2',
  ])
  expect(stdout).not.toContain('not explained')
  expect(stdout).toContain('4,500 requests and 1,500 responses')
})

test('what is not explained fails the run, and is named', async () => {
  const none = ['--inputs', '200', '--seed', '2', '--known', here('differential/none.json')]
  await expect(run(process.execPath, [here('differential.mjs'), ...none])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not explained: request: we refuse') as string,
  })
})

test('every explanation says who is right, where that stands, and why', () => {
  for (const { class: name, right, rfc, why } of known) {
    expect(['we', 'llhttp', 'both'], name).toContain(right)
    expect(rfc, name).toMatch(/^(9110|9112|3986) sections? \d/)
    expect(why, name).toMatch(/\.\)?$/)
  }
  expect(new Set(known.map((it) => it.class)).size).toBe(known.length)
})

test('the committed table is of a million inputs, and explains each class in it', () => {
  const page = readFileSync(here('differential.md'), 'utf8')
  expect(page).toContain('--inputs 1000000')
  expect(page).not.toContain('not explained')
})
