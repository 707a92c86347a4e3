import { requireProgram } from '@fairlead/testkit'
import { describe, expect, test } from 'vitest'

import { chromiumPath, useBrowser } from './browser.ts'
import { Program, type RunningHub, startHub } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()
const nc = requireProgram('nc')

/** A terminal: what is typed into it, and what it shows. */
async function openTerminal({ chat }: RunningHub) {
  const program = Program.start('nc', [chat.host, `${chat.port}`])
  await program.prints(/^\* here: /m)
  return { program, type: (line: string) => program.child.stdin?.write(`${line}\n`) }
}

describe.skipIf(!chromiumPath || !nc)('the chat', () => {
  test('two pages and a terminal talk to each other', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page)
    const bob = await visits.open(hub.page)
    const cat = await openTerminal(hub)
    for (const page of [ann, bob]) await page.hears('* guest-3 joined')

    await ann.rename('ann')
    await bob.rename('bob')
    cat.type('/nick cat')
    for (const page of [ann, bob]) await page.hears('* guest-3 is now cat')
    await cat.program.prints(/^\* you are cat$/m)
    for (const page of [ann, bob]) await page.sees('ann, bob, cat')

    const said = ['ann: ahoy from the first page', 'bob: ahoy from the second', 'cat: ahoy from a terminal']
    for (const [at, line] of said.entries()) {
      const text = line.slice(5)
      if (at === 2) cat.type(text)
      else await [ann, bob][at]?.says(text)
      for (const page of [ann, bob]) await page.hears(line)
      await cat.program.prints(new RegExp(`^${line}$`, 'm'))
    }
    expect(await ann.messages()).toEqual(said)
    expect(await bob.messages()).toEqual(said)
    expect(cat.program.stdout.match(/^\w+: .*$/gm)).toEqual(said)

    cat.type('/quit')
    for (const page of [ann, bob]) await page.hears('* cat left')
    await bob.page.close()
    await ann.hears('* bob left')
    await ann.sees('ann')
  })

  test('markup is text, and an address becomes a link that tells nothing', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page)
    const cat = await openTerminal(hub)
    const markup = `<img src=x onerror="document.title='gone'"><b>bold</b>&lt;`
    await ann.says(markup)
    cat.type('see https://example.org/?a=1&b=<2>. <script>document.title="gone"</script>')
    await ann.hears(`guest-1: ${markup}`)
    const row = await ann.hears(
      'guest-2: see https://example.org/?a=1&b=<2>. <script>document.title="gone"</script>',
    )
    const link = row.getByRole('link')
    expect(await link.getAttribute('href')).toBe('https://example.org/?a=1&b=')
    expect(await link.getAttribute('rel')).toContain('noreferrer')
    expect(await ann.get('log').locator('img, script, .text b').count()).toBe(0)
    expect(await ann.page.title()).toBe('Hub')
  })

  test('the name survives a reload, is nobody else’s, and what was said is there again', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page)
    await ann.rename('ann')
    await ann.isCalled('ann')
    await ann.says('remember me')
    await ann.hears('ann: remember me')

    const bob = await visits.open(hub.page)
    await bob.rename('Ann')
    await bob.page.getByRole('alert').filter({ hasText: 'That name is taken' }).waitFor()
    await bob.get('name-input').press('Escape')

    await ann.page.reload()
    await ann.isCalled('ann')
    expect(await ann.messages()).toEqual(['ann: remember me'])
    await ann.says('here again')
    await bob.hears('ann: here again')
  })

  test('who reads further up stays there, is told of new messages, and comes back by a click', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page, { viewport: { width: 390, height: 600 } })
    const cat = await openTerminal(hub)
    const log = ann.get('log')
    const atLength = 'at some length '.repeat(12).trim()
    const top = () => log.evaluate((element) => element.scrollTop)
    for (let line = 1; line <= 12; line++) cat.type(`${line}: ${atLength}`)
    await ann.hears(`guest-2: 12: ${atLength}`)
    expect(await top()).toBeGreaterThan(0)

    await log.press('Home')
    await expect.poll(top).toBe(0)
    cat.type('the newest')
    await ann.page.getByRole('button', { name: 'New messages' }).click()
    const newest = await ann.hears('guest-2: the newest')
    await expect.poll(() => newest.boundingBox().then((box) => (box?.y ?? 0) < 600)).toBe(true)
    expect(await top()).toBeGreaterThan(0)
  })
})
