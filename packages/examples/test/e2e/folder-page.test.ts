import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { requireProgram } from '@fairlead/testkit'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'

import { leftovers } from '../hub/cast.ts'
import { chromiumPath, throttle, useBrowser } from './browser.ts'
import { run, startHub } from './program.ts'
import { randomFile, sha256, useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()
const curl = requireProgram('curl')

const shared = (name = '') => join(folder.path, 'shared', name)
const outside = (name: string) => join(folder.path, name)
const mebibyte = 1024 * 1024

/** Notes every value that a progress bar of the page has from now on. */
async function noteProgress(page: Page): Promise<() => Promise<number[]>> {
  const noted = await page.evaluateHandle<number[]>(`(() => {
    const noted = []
    const note = () => document.querySelectorAll('progress').forEach(({ value }) => noted.push(value))
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true })
    return noted
  })()`)
  return () => noted.jsonValue()
}

/** Drags files out of nowhere over the page, and drops them. */
async function drop(page: Page, files: Record<string, string>): Promise<void> {
  const dataTransfer = await page.evaluateHandle<unknown>(`(() => {
    const carried = new DataTransfer()
    for (const [name, text] of Object.entries(${JSON.stringify(files)})) carried.items.add(new File([text], name))
    return carried
  })()`)
  await page.dispatchEvent('main', 'dragenter', { dataTransfer })
  await page.getByTestId('drop').waitFor()
  await page.dispatchEvent('main', 'drop', { dataTransfer })
  await page.getByTestId('drop').waitFor({ state: 'hidden' })
}

const isBetween = (progress: number): boolean => progress > 0 && progress < 1

describe.skipIf(!chromiumPath || !curl)('the shared folder', () => {
  test('100 MiB go up through the page, are seen by all at once, and come down by curl', async () => {
    await randomFile(outside('holiday film.mkv'), 100 * mebibyte)
    const hub = await startHub(shared())
    const ann = await visits.open(hub.page)
    const bob = await visits.open(hub.page)
    const progress = await noteProgress(ann.page)
    // Until something of it was shown.
    await throttle(ann, 20 * mebibyte)
    await ann.get('file-input').setInputFiles(outside('holiday film.mkv'))
    await expect.poll(async () => (await progress()).some(isBetween), { interval: 20 }).toBe(true)
    await throttle(ann, -1)
    await bob.file('holiday film.mkv').waitFor()
    await ann.upload('holiday film.mkv').and(ann.page.locator('[data-state=done]')).waitFor()
    await bob.hears('* guest-1 shared holiday film.mkv (105 MB)')

    const steps = (await progress()).filter((value, at, all) => value > 0 && value !== all[at - 1])
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect(steps.at(-1)).toBe(1)
    const url = `${hub.page}files/holiday%20film.mkv`
    expect(await run('curl', ['-sS', '--fail', '-o', outside('back'), url])).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await sha256(outside('back'))).toBe(await sha256(outside('holiday film.mkv')))
  })

  test('100 MiB go up by curl, appear on the page and come down by a click', async () => {
    await randomFile(outside('big'), 100 * mebibyte)
    const hub = await startHub(shared())
    const ann = await visits.open(hub.page)
    const url = `${hub.page}files/${encodeURIComponent('Übersicht #1 100%.bin')}`
    expect(await run('curl', ['-sS', '--fail', '-T', outside('big'), url])).toMatchObject({
      code: 0,
      stderr: '',
    })
    await ann.downloads('Übersicht #1 100%.bin', outside('back'))
    expect(await sha256(outside('back'))).toBe(await sha256(outside('big')))
  })

  test('files are dropped anywhere, and what comes into the folder or leaves it is shown', async () => {
    const hub = await startHub(shared())
    const ann = await visits.open(hub.page)
    await drop(ann.page, { 'dropped <i>.txt': 'one', 'notes.txt': 'two' })
    await ann.file('dropped i.txt').waitFor()
    await ann.file('notes.txt').waitFor()
    expect(await readFile(shared('notes.txt'), 'utf8')).toBe('two')
    await ann
      .get('file-input')
      .setInputFiles({ name: 'notes.txt', mimeType: '', buffer: Buffer.from('three') })
    await ann.upload('notes.txt').filter({ hasText: 'Shared as notes (2).txt' }).waitFor()
    await ann.downloads('notes (2).txt', outside('back'))
    expect(await readFile(outside('back'), 'utf8')).toBe('three')

    await writeFile(shared('from outside'), 'four')
    await ann.file('from outside').waitFor()
    await run('rm', [shared('notes.txt')])
    await ann.file('notes.txt').waitFor({ state: 'detached' })
  })

  test('what is too large says so in its row, leaves nothing, and holds up nothing', async () => {
    await randomFile(outside('big.bin'), 5 * mebibyte)
    await writeFile(outside('small.txt'), 'small')
    const hub = await startHub(shared(), '--max-upload', '1MB')
    const ann = await visits.open(hub.page)
    ann.expected = /status of 413/
    await ann.get('file-input').setInputFiles([outside('big.bin'), outside('small.txt')])
    const row = ann.upload('big.bin')
    await row.and(ann.page.locator('[data-state=failed]')).waitFor()
    expect(await row.innerText()).toContain('The file is too large for this hub.')
    await ann.file('small.txt').waitFor()
    expect((await readdir(shared())).toSorted()).toEqual(['.fairlead', 'small.txt'])
    expect(await leftovers(shared())).toEqual([])
    await row.getByRole('button', { name: 'Dismiss' }).click()
    await row.waitFor({ state: 'detached' })
  })

  test('an upload that is cancelled leaves nothing', async () => {
    await randomFile(outside('big.bin'), 30 * mebibyte)
    const hub = await startHub(shared())
    const ann = await visits.open(hub.page)
    await throttle(ann, mebibyte)
    await ann.get('file-input').setInputFiles(outside('big.bin'))
    // The upload itself, and what is known of it.
    await expect.poll(() => leftovers(shared())).toHaveLength(2)
    await ann.upload('big.bin').getByRole('button', { name: 'Cancel' }).click()
    await ann.upload('big.bin').waitFor({ state: 'detached' })
    await expect.poll(() => leftovers(shared())).toEqual([])
    expect(await readdir(shared())).toEqual(['.fairlead'])
  })
})
