import { describe, expect, test } from 'vitest'

import { chromiumPath, useBrowser } from './browser.ts'
import { startHub } from './program.ts'
import { randomFile, useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()

/** What Chromium itself reports of each attempt to reach a hub that is gone. */
const unreachable = /^(WebSocket connection to .* failed|Failed to load resource: net::ERR_\w+)/

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

  test('an upload that broke off can be tried again, and goes through', async () => {
    await randomFile(`${folder.path}/big.bin`, 20_000_000)
    const first = await startHub(`${folder.path}/shared`)
    const ann = await visits.open(first.page)
    ann.expected = unreachable
    const devtools = await ann.page.context().newCDPSession(ann.page)
    const speed = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1_000_000 }
    await devtools.send('Network.emulateNetworkConditions', speed)
    await ann.get('file-input').setInputFiles(`${folder.path}/big.bin`)
    await ann.upload('big.bin').filter({ hasText: ' % of ' }).waitFor()
    first.program.signal('SIGKILL')
    await ann.upload('big.bin').filter({ hasText: 'The connection was lost.' }).waitFor()
    await devtools.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: -1 })
    await first.program.ended

    await startHub(`${folder.path}/shared`, '--port', new URL(first.page).port)
    await ann.reads(/^$/)
    await ann.upload('big.bin').getByRole('button', { name: 'Retry' }).click()
    await ann.file('big.bin').waitFor()
  })
})
