import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { chromiumPath, useBrowser, type Visitor } from './browser.ts'
import { startHub } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()

const notes = { name: 'notes.txt', mimeType: '', buffer: Buffer.from('notes') }

/** What has the focus: its test id, its name to a screen reader, or its text. */
function focused({ page }: Visitor): Promise<string> {
  return page.evaluate<string>(`(() => {
    const { dataset, ariaLabel, textContent, tagName } = document.activeElement
    return tagName === 'BODY' ? 'nothing' : dataset.testid ?? ariaLabel ?? textContent.trim()
  })()`)
}

describe.skipIf(!chromiumPath)('the keyboard alone', () => {
  test('reaches everything, in the order in which it stands', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page)
    const { keyboard } = ann.page
    expect(await focused(ann)).toBe('say')
    await ann.get('file-input').setInputFiles(notes)
    await ann.file('notes.txt').waitFor()
    await ann.upload('notes.txt').getByRole('button', { name: 'Dismiss' }).click()

    await ann.get('send').focus()
    const order: string[] = []
    // From the last one, the focus passes through the browser's own controls, of which a headless one has none.
    for (let tab = 0; tab < 8 && order.at(-1) !== 'send'; tab++) {
      await keyboard.press('Tab')
      order.push(await focused(ann))
    }
    const reached = order.filter((name) => name !== 'nothing')
    expect(reached.slice(0, 2)).toEqual(['name', 'Add files'])
    expect(reached[2]).toMatch(/^notes\.txt/)
    expect(reached.slice(3)).toEqual(['log', 'say', 'send'])
  })

  test('names, says, shares and fetches', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page)
    const { keyboard } = ann.page
    ann.page.on('filechooser', (chooser) => void chooser.setFiles(notes))
    await keyboard.type('typed at once')
    await keyboard.press('Enter')
    await ann.hears('guest-1: typed at once')
    expect(await focused(ann)).toBe('say')

    await ann.get('name').focus()
    await keyboard.press('Enter')
    expect(await focused(ann)).toBe('name-input')
    await keyboard.press('Escape')
    expect(await focused(ann)).toBe('name')
    await keyboard.press('Enter')
    await keyboard.type('ann')
    await keyboard.press('Enter')
    await ann.isCalled('ann')
    expect(await focused(ann)).toBe('name')

    await keyboard.press('Tab')
    expect(await focused(ann)).toBe('Add files')
    await keyboard.press('Enter')
    await ann.file('notes.txt').waitFor()
    await ann.file('notes.txt').getByRole('link').focus()
    const download = ann.page.waitForEvent('download')
    await keyboard.press('Enter')
    await (await download).saveAs(join(folder.path, 'back'))
    expect(await readFile(join(folder.path, 'back'), 'utf8')).toBe('notes')
  })

  test('every control has a name, and a focus that can be seen', async () => {
    const hub = await startHub(folder.path)
    const ann = await visits.open(hub.page)
    for (const id of ['name', 'log', 'say', 'send', 'file-input']) {
      expect(await ann.get(id).ariaSnapshot()).toMatch(/".+"/)
    }
    for (const id of ['log', 'say', 'name']) {
      await ann.get(id).focus()
      await ann.page.keyboard.press('Shift')
      const outline = await ann.page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      expect(outline).toBe('solid')
    }
  })
})
