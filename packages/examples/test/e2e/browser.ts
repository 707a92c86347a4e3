import { requireProgram } from '@fairlead/testkit'
import {
  type Browser,
  type BrowserContextOptions,
  type CDPSession,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'
import { afterEach, expect } from 'vitest'

/** Debian's Chromium; tests of the page are skipped where there is none. */
export const chromiumPath = requireProgram('chromium')

const flags = [
  '--no-sandbox', // it does not start as root otherwise
  '--disable-gpu',
  '--in-process-gpu', // one process less to start
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Milliseconds that anything on the page may take. */
const patience = 20_000

/** Somebody with a browser of their own, who looks at the page and uses it. */
export class Visitor {
  readonly page: Page
  /** Errors on the console and exceptions, among them violations of the content security policy. */
  readonly troubles: string[] = []
  /** Troubles that belong to what is tested. */
  expected: RegExp | undefined

  constructor(page: Page) {
    this.page = page
    page.on('pageerror', (error) => this.troubles.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error') this.troubles.push(`${message.text()} at ${message.location().url}`)
    })
  }

  /** An element by its `data-testid`. */
  get(id: string): Locator {
    return this.page.getByTestId(id)
  }

  /** Waits until the room has let us in, and says under which name. */
  async joined(): Promise<string> {
    const name = this.get('name')
    await name.filter({ hasText: /\S/ }).waitFor()
    return name.innerText()
  }

  async rename(to: string): Promise<void> {
    await this.get('name').click()
    await this.get('name-input').fill(to)
    await this.get('name-save').click()
  }

  async isCalled(name: string): Promise<void> {
    await this.get('name')
      .filter({ hasText: whole(name) })
      .waitFor()
  }

  async says(text: string): Promise<void> {
    await this.get('say').fill(text)
    await this.get('send').click()
  }

  /** Waits for a row of the chat: `NAME: text` is a message, and `* text` a notice. */
  async hears(line: string): Promise<Locator> {
    const notice = line.startsWith('* ')
    const row = this.page.locator(`[data-testid=message][data-kind=${notice ? 'notice' : 'message'}]`)
    const found = row.filter({ hasText: whole(notice ? line.slice(2) : line) }).last()
    await found.waitFor({ state: 'attached' })
    return found
  }

  /** What has been said so far. */
  async messages(): Promise<string[]> {
    const rows = this.page.locator('[data-testid=message][data-kind=message]')
    return (await rows.allTextContents()).map((text) => text.trim())
  }

  /** Waits until the banner has words like these. */
  async reads(status: string | RegExp): Promise<void> {
    await this.get('status').filter({ hasText: status }).waitFor({ state: 'attached' })
  }

  /** Waits until somebody's name stands, or no longer stands, among those who are here. */
  async sees(people: string): Promise<void> {
    await this.get('people')
      .filter({ hasText: whole(people) })
      .waitFor()
  }

  file(name: string): Locator {
    return this.page.locator(`[data-testid=file][data-name=${JSON.stringify(name)}]`)
  }

  upload(name: string): Locator {
    return this.page.locator(`[data-testid=upload][data-name=${JSON.stringify(name)}]`)
  }

  /** Clicks on a shared file and stores what comes. */
  async downloads(name: string, to: string): Promise<void> {
    const download = this.page.waitForEvent('download')
    await this.file(name).getByRole('link').click()
    expect((await download).suggestedFilename()).toBe(name)
    await (await download).saveAs(to)
  }
}

const sessions = new WeakMap<Page, Promise<CDPSession>>()

/** Lets a page send so many bytes a second; -1 is as many as it can. */
export async function throttle({ page }: Visitor, uploadThroughput: number): Promise<void> {
  const made = sessions.get(page) ?? page.context().newCDPSession(page)
  sessions.set(page, made)
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput }
  await (await made).send('Network.emulateNetworkConditions', conditions)
}

export interface Visits {
  /** Opens the page in a browser that nobody else uses, and waits for its room. */
  open(url: string, options?: BrowserContextOptions): Promise<Visitor>
  /** The same without waiting for anything. */
  blank(options?: BrowserContextOptions): Promise<Visitor>
}

/** The files that run in one process share it, since its start costs more than a page. It ends with the process. */
let browser: Promise<Browser> | undefined

function launch(executablePath: string): Promise<Browser> {
  // Without a locale that knows them it calls files with other letters than ASCII's "download".
  const env = { ...process.env, LC_ALL: 'C.UTF-8' }
  return chromium.launch({ executablePath, headless: true, args: flags, env })
}

/**
 * Chromium for the file that calls this. Behind each test its pages are closed, and none of them may have had troubles
 * that the test did not expect.
 */
export function useBrowser(): Visits {
  const visitors: Visitor[] = []

  afterEach(async () => {
    const gone = visitors.splice(0)
    await Promise.all(gone.map(({ page }) => page.context().close()))
    for (const { troubles, expected } of gone) {
      expect(troubles.filter((trouble) => !expected?.test(trouble))).toEqual([])
    }
  })

  async function blank(options: BrowserContextOptions = {}): Promise<Visitor> {
    if (chromiumPath === undefined) throw new Error('There is no Chromium')
    browser ??= launch(chromiumPath)
    const context = await (await browser).newContext({ reducedMotion: 'reduce', ...options })
    context.setDefaultTimeout(patience)
    const visitor = new Visitor(await context.newPage())
    visitors.push(visitor)
    return visitor
  }

  return {
    blank,
    async open(url, options) {
      const visitor = await blank(options)
      await visitor.page.goto(url)
      await visitor.joined()
      return visitor
    },
  }
}

/** Nothing but `text`. Playwright puts the expression into a selector, where quotes and brackets mean something. */
function whole(text: string): RegExp {
  const literal = text.replace(/[!-/:-@[-`{-~]/g, (mark) => `\\x${mark.charCodeAt(0).toString(16)}`)
  return new RegExp(`^\\s*${literal}\\s*$`)
}
