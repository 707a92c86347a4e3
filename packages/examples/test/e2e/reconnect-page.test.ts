import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { leftovers } from '../hub/cast.ts'
import { chromiumPath, throttle, useBrowser } from './browser.ts'
import { startHub } from './program.ts'
import { randomFile, sha256, useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()

/** What Chromium itself reports of each attempt to reach a hub that is gone. */
const unreachable = /^(WebSocket connection to .* failed|Failed to load resource: net::ERR_\w+)/

/** Bytes of the one upload that is under way. */
async function arrived(shared: string): Promise<number> {
  const uploads = join(shared, '.fairlead/resumable')
  const name = (await readdir(uploads)).find((it) => !it.endsWith('.json'))
  return name === undefined ? 0 : (await stat(join(uploads, name))).size
}

describe.skipIf(!chromiumPath)('a page that loses its hub', () => {
  test('says so, keeps what was typed, and comes back by itself under its name', async () => {
    const first = await startHub(folder.path)
    const ann = await visits.open(first.page)
    ann.expected = unreachable
    await ann.rename('ann')
    await ann.isCalled('ann')
    await ann.says('before')
    await ann.hears('ann: before')
    expect(await ann.get('status').innerText()).toBe('')

    first.program.signal('SIGKILL')
    await ann.reads('Connection lost. Trying again')
    await ann.get('say').fill('typed while it was away')
    await ann.get('say').press('Enter')
    expect(await ann.get('say').inputValue()).toBe('typed while it was away')
    await first.program.ended

    const second = await startHub(folder.path, '--port', new URL(first.page).port)
    expect(second.page).toBe(first.page)
    await ann.reads(/^$/)
    await ann.hears('* guest-1 is now ann')
    expect(await ann.get('say').inputValue()).toBe('typed while it was away')
    await ann.get('say').press('Enter')
    await ann.hears('ann: typed while it was away')
    expect(await ann.messages()).toEqual(['ann: typed while it was away'])
  })

  test('a hub that was stopped is told from one that was lost', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page)
    ann.expected = unreachable
    hub.program.signal('SIGINT')
    await ann.reads('The hub has stopped. Trying again')
    expect(await hub.program.ended).toMatchObject({ code: 0, stderr: '' })
  })

  test('an upload goes on where it was when the hub is killed and started again', async () => {
    const shared = join(folder.path, 'shared')
    const film = join(folder.path, 'film.mkv')
    await randomFile(film, 3_000_000)
    const first = await startHub(shared)
    const ann = await visits.open(first.page)
    ann.expected = unreachable
    await throttle(ann, 1_000_000)
    await ann.get('file-input').setInputFiles(film)
    await expect.poll(() => arrived(shared), { interval: 20 }).toBeGreaterThan(250_000)
    first.program.signal('SIGKILL')
    await first.program.ended
    const kept = await arrived(shared)
    expect(kept).toBeLessThan(3_000_000)
    await ann.upload('film.mkv').filter({ hasText: 'Connection lost at' }).waitFor()

    await throttle(ann, -1)
    const from = ann.page.waitForRequest((it) => it.method() === 'PATCH')
    await startHub(shared, '--port', new URL(first.page).port)
    expect((await from).headers()['upload-offset']).toBe(`${kept}`)
    await ann.hears('* guest-1 shared film.mkv (3.0 MB)')
    await ann.upload('film.mkv').filter({ hasText: 'Shared' }).waitFor()
    await ann.file('film.mkv').waitFor()
    expect(await sha256(join(shared, 'film.mkv'))).toBe(await sha256(film))
    expect(await leftovers(shared)).toEqual([])
  })

  test('a page that was loaded anew knows what was not finished, and goes on when it gets the file', async () => {
    const film = join(folder.path, 'film.mkv')
    await randomFile(film, 3_000_000)
    const shared = join(folder.path, 'shared')
    const hub = await startHub(shared)
    const ann = await visits.open(hub.page)
    await throttle(ann, 1_000_000)
    await ann.get('file-input').setInputFiles(film)
    await expect.poll(() => arrived(shared), { interval: 20 }).toBeGreaterThan(250_000)
    ann.page.on('dialog', (dialog) => void dialog.accept())
    await ann.page.reload()
    await ann.upload('film.mkv').filter({ hasText: 'Add the file again' }).waitFor()
    await throttle(ann, -1)
    const from = ann.page.waitForRequest((it) => it.method() === 'PATCH')
    await ann.get('file-input').setInputFiles(film)
    expect(Number((await from).headers()['upload-offset'])).toBeGreaterThan(250_000)
    await ann.file('film.mkv').waitFor()
    expect(await ann.upload('film.mkv').count()).toBe(1)
    expect(await sha256(join(shared, 'film.mkv'))).toBe(await sha256(film))
  })

  test('an upload waits for the token of a hub that was started again, and goes on with it', async () => {
    const film = join(folder.path, 'film.mkv')
    await randomFile(film, 3_000_000)
    const shared = join(folder.path, 'shared')
    const local = (page: string) => page.replace(/\/\/[\d.]+/, '//127.0.0.1')
    const first = await startHub(shared, '--lan')
    const ann = await visits.open(local(first.page))
    ann.expected =
      /^(WebSocket connection to .* failed|Failed to load resource: .*(net::ERR_\w+|status of 401))/
    await throttle(ann, 1_000_000)
    await ann.get('file-input').setInputFiles(film)
    await expect.poll(() => arrived(shared), { interval: 20 }).toBeGreaterThan(250_000)
    first.program.signal('SIGKILL')
    await first.program.ended
    await throttle(ann, -1)
    const second = await startHub(shared, '--lan', '--port', new URL(first.page).port)
    const row = ann.upload('film.mkv')
    await row.filter({ hasText: 'The hub wants a token: open the address that it printed.' }).waitFor()

    const other = await ann.page.context().newPage()
    await other.goto(local(second.page))
    await ann.reads(/^$/)
    const from = ann.page.waitForRequest((it) => it.method() === 'PATCH')
    await row.getByRole('button', { name: 'Retry' }).click()
    expect(Number((await from).headers()['upload-offset'])).toBeGreaterThan(250_000)
    await ann.file('film.mkv').waitFor()
    expect(await sha256(join(shared, 'film.mkv'))).toBe(await sha256(film))
  })
})
