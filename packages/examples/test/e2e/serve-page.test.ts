import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'

import { startServer } from '../serve/program.ts'
import { chromiumPath, throttle, useBrowser, type Visitor } from './browser.ts'
import { randomFile, sha256, useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()

const outside = (name: string) => join(folder.path, name)
const inside = (name = '') => join(folder.path, 'served', name)
const mebibyte = 1024 * 1024

async function open(url: string, options?: BrowserContextOptions): Promise<Visitor> {
  const visitor = await visits.blank(options)
  await visitor.page.goto(url)
  return visitor
}

const entry = ({ page }: Visitor, name: string): Locator =>
  page.locator(`[data-testid=entry][data-name=${JSON.stringify(name)}]`)

const inState = (visitor: Visitor, name: string, state: string): Locator =>
  visitor.upload(name).and(visitor.page.locator(`[data-state=${state}]`))

/** The names, as they stand. */
const names = ({ page }: Visitor): Promise<string[]> =>
  page.locator('[data-testid=entry]:visible bdi').allTextContents()

/** Bytes of the one upload that is under way. */
async function arrived(): Promise<number> {
  const all = await readdir(inside('.fairlead/resumable'))
  const name = all.find((it) => !it.endsWith('.json'))
  return name === undefined ? 0 : (await stat(inside(`.fairlead/resumable/${name}`))).size
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

describe.skipIf(!chromiumPath)('the page of a served folder', () => {
  test('shows what is there, sorted as one likes, and leads to it', async () => {
    await mkdir(inside('sub <b>/deep'), { recursive: true })
    for (const [at, name] of ['10.txt', '9.txt', 'Übung #1 100%?.txt', 'a & "b".bin'].entries()) {
      await writeFile(inside(name), 'x'.repeat(10 * (at + 1)))
      await utimes(inside(name), 1e9 - at * 1e6, 1e9 - at * 1e6)
    }
    const { url } = await startServer(inside())
    const ann = await open(url)
    ann.expected = /favicon\.ico$/ // of the text that is opened at the end
    expect(await names(ann)).toEqual(['sub <b>', '9.txt', '10.txt', 'a & "b".bin', 'Übung #1 100%?.txt'])
    expect(await ann.get('summary').innerText()).toBe('1 folder · 4 files · 100 B')
    expect(await entry(ann, '10.txt').locator('time').innerText()).toContain('2001')
    expect(await ann.page.locator('#add').count()).toBe(0)

    const files = async () => (await names(ann)).slice(1).map((name) => name.slice(0, 2))
    for (const [column, once, twice] of [
      ['Size', ['a ', 'Üb', '9.', '10'], ['10', '9.', 'Üb', 'a ']],
      ['Changed', ['10', '9.', 'Üb', 'a '], ['a ', 'Üb', '9.', '10']],
    ] as const) {
      const heading = ann.page.getByRole('columnheader', { name: column })
      await heading.getByRole('link').click()
      await ann.page.waitForURL('**/?sort=*&order=desc')
      expect(await files()).toEqual(once)
      await heading.getByRole('link').click()
      await ann.page.waitForURL('**/?sort=*&order=asc')
      expect(await files()).toEqual(twice)
    }

    const download = ann.page.waitForEvent('download')
    await entry(ann, 'Übung #1 100%?.txt').getByRole('link', { name: 'Download' }).click()
    await (await download).saveAs(outside('back'))
    expect(await readFile(outside('back'), 'utf8')).toBe('x'.repeat(30))

    await entry(ann, 'sub <b>').getByRole('link').click()
    await entry(ann, 'deep').getByRole('link').click()
    await ann.page.getByText('Nothing here yet.').waitFor()
    expect(await ann.page.title()).toBe('deep')
    await ann.page.getByRole('navigation').getByRole('link', { name: 'sub <b>' }).click()
    await ann.page.getByRole('link', { name: 'Up' }).click()
    await entry(ann, '9.txt').getByRole('link', { name: '9.txt', exact: true }).click()
    await ann.page.getByText('x'.repeat(20)).waitFor()
  })

  test('where there is much, it is looked for by name', async () => {
    await mkdir(inside(), { recursive: true })
    for (let at = 0; at < 12; at++) await writeFile(inside(`file ${at}.txt`), '')
    await writeFile(inside('Übung.pdf'), '')
    const { url } = await startServer(inside())
    const ann = await open(url)
    await ann.page.getByLabel('Filter by name').fill('ubu')
    expect(await names(ann)).toEqual(['Übung.pdf'])
    await ann.page.getByLabel('Filter by name').fill('')
    expect(await names(ann)).toHaveLength(13)
  })

  test('files are dropped anywhere, and stand in the folder they were dropped in', async () => {
    await mkdir(inside('sub'), { recursive: true })
    await writeFile(inside('sub/notes.txt'), 'precious')
    const { url } = await startServer(inside(), '--upload', '--max-upload', '1MB', '--auth', 'ann:secret')
    const ann = await open(`${url}sub/`, { httpCredentials: { username: 'ann', password: 'secret' } })
    await drop(ann.page, { 'dropped <i>.txt': 'one', 'notes.txt': 'two', empty: '' })
    await entry(ann, 'dropped i.txt').waitFor()
    await entry(ann, 'empty').waitFor()
    await inState(ann, 'notes.txt', 'done').filter({ hasText: 'Added as notes (2).txt' }).waitFor()
    await entry(ann, 'notes (2).txt').waitFor()
    expect(await readFile(inside('sub/notes.txt'), 'utf8')).toBe('precious')
    expect(await readFile(inside('sub/notes (2).txt'), 'utf8')).toBe('two')

    await randomFile(outside('big.bin'), 2_000_000)
    await ann.get('file-input').setInputFiles(outside('big.bin'))
    const row = inState(ann, 'big.bin', 'failed')
    await row.filter({ hasText: 'It has 2.0 MB; this server takes up to 1.0 MB.' }).waitFor()
    await row.getByRole('button', { name: 'Dismiss' }).click()
    await row.waitFor({ state: 'detached' })
    expect(await readdir(inside('.fairlead/resumable'))).toEqual([])
  })

  test('a large file goes up with its progress shown, and comes whole', async () => {
    await randomFile(outside('film.mkv'), 20 * mebibyte)
    await mkdir(inside(), { recursive: true })
    const { url } = await startServer(inside(), '--upload')
    const ann = await open(url)
    const noted = await ann.page.evaluateHandle<number[]>(`(() => {
      const noted = []
      const note = () => document.querySelectorAll('progress').forEach(({ value }) => noted.push(value))
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true })
      return noted
    })()`)
    // Until something of it was shown.
    await throttle(ann, 4 * mebibyte)
    await ann.get('file-input').setInputFiles(outside('film.mkv'))
    await expect.poll(async () => (await noted.jsonValue()).some(isBetween), { interval: 20 }).toBe(true)
    await throttle(ann, -1)
    await inState(ann, 'film.mkv', 'done').waitFor()
    await entry(ann, 'film.mkv').waitFor()
    const steps = (await noted.jsonValue()).filter((value, at, all) => value > 0 && value !== all[at - 1])
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect(steps.at(-1)).toBe(1)
    expect(await sha256(inside('film.mkv'))).toBe(await sha256(outside('film.mkv')))
  })

  test('when the server is killed and started again, an upload goes on where it was', async () => {
    await randomFile(outside('film.mkv'), 3 * mebibyte)
    await mkdir(inside(), { recursive: true })
    const first = await startServer(inside(), '--upload')
    const ann = await open(first.url)
    ann.expected = /ERR_(CONNECTION|EMPTY)/
    await throttle(ann, 2 * mebibyte)
    await ann.get('file-input').setInputFiles(outside('film.mkv'))
    await expect.poll(arrived, { interval: 20 }).toBeGreaterThan(mebibyte / 2)
    first.program.signal('SIGKILL')
    await first.program.ended
    const kept = await arrived()
    await inState(ann, 'film.mkv', 'lost').filter({ hasText: 'Trying again' }).waitFor()

    const second = await startServer(inside(), '--upload', '--json', '--port', `${first.port}`)
    await inState(ann, 'film.mkv', 'done').waitFor()
    await entry(ann, 'film.mkv').waitFor()
    expect(await sha256(inside('film.mkv'))).toBe(await sha256(outside('film.mkv')))
    expect(kept).toBeGreaterThan(mebibyte / 2)
    const asked = Array.from(second.program.stdout.matchAll(/"method":"(HEAD|POST|PATCH)"/g), ([, it]) => it)
    expect(asked).toEqual(['HEAD', 'PATCH'])
    expect(await readdir(inside('.fairlead/resumable'))).toEqual([])
  })

  test('a page that was loaded anew knows what was not finished, and goes on when it gets the file', async () => {
    await randomFile(outside('film.mkv'), 2 * mebibyte)
    await mkdir(inside(), { recursive: true })
    const { url } = await startServer(inside(), '--upload')
    const ann = await open(url)
    await throttle(ann, mebibyte)
    await ann.get('file-input').setInputFiles(outside('film.mkv'))
    await expect.poll(arrived, { interval: 20 }).toBeGreaterThan(mebibyte / 2)
    ann.page.on('dialog', (dialog) => void dialog.accept())
    await ann.page.reload()
    await inState(ann, 'film.mkv', 'awaited').filter({ hasText: 'Add the file again' }).waitFor()
    const kept = await arrived()
    expect(kept).toBeGreaterThan(mebibyte / 2)
    await ann.get('file-input').setInputFiles(outside('film.mkv'))
    await inState(ann, 'film.mkv', 'done').waitFor()
    expect(await ann.upload('film.mkv').count()).toBe(1)
    expect(await sha256(inside('film.mkv'))).toBe(await sha256(outside('film.mkv')))
  })

  test('an upload that is cancelled leaves nothing', async () => {
    await randomFile(outside('film.mkv'), 8 * mebibyte)
    await mkdir(inside(), { recursive: true })
    const { url } = await startServer(inside(), '--upload')
    const ann = await open(url)
    await throttle(ann, mebibyte)
    await ann.get('file-input').setInputFiles(outside('film.mkv'))
    await expect.poll(arrived).toBeGreaterThan(0)
    await ann.upload('film.mkv').getByRole('button', { name: 'Cancel' }).click()
    await ann.upload('film.mkv').waitFor({ state: 'detached' })
    await expect.poll(() => readdir(inside('.fairlead/resumable'))).toEqual([])
    expect(await readdir(inside())).toEqual(['.fairlead'])
  })

  test('without scripts a form does it', async () => {
    await mkdir(inside(), { recursive: true })
    const { url } = await startServer(inside(), '--upload')
    const ann = await open(url, { javaScriptEnabled: false })
    await writeFile(outside('notes.txt'), 'one')
    await ann.page
      .locator('noscript input[type=file], form input[type=file]')
      .setInputFiles(outside('notes.txt'))
    await ann.page.getByRole('button', { name: 'Send' }).click()
    await entry(ann, 'notes.txt').waitFor()
    expect(await readFile(inside('notes.txt'), 'utf8')).toBe('one')
  })

  test('on a phone nothing stands beside the page', async () => {
    await mkdir(inside(`long folder ${'x'.repeat(60)}`), { recursive: true })
    await writeFile(inside(`${'a-very-long-name'.repeat(9)}.txt`), '')
    const { url } = await startServer(inside(), '--upload')
    const phone = { viewport: { width: 375, height: 720 }, isMobile: true, hasTouch: true }
    const ann = await open(`${url}${encodeURIComponent(`long folder ${'x'.repeat(60)}`)}/`, phone)
    for (const where of [ann.page.url(), url]) {
      await ann.page.goto(where)
      const wide = await ann.page.evaluate<number>('document.documentElement.scrollWidth')
      expect(wide).toBe(375)
    }
  })
})
