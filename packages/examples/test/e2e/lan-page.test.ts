import { once } from 'node:events'

import { requireProgram } from '@fairlead/testkit'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { chromiumPath, useBrowser } from './browser.ts'
import { Program, run, startHub } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()
const curl = requireProgram('curl')
const nc = requireProgram('nc')

/** The status with which a WebSocket is refused, or 101. */
async function knock(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const socket = new WebSocket(url, { headers })
  const opened = once(socket, 'open').then(() => 101)
  const refused = once(socket, 'unexpected-response').then(
    ([, response]: { statusCode?: number }[]) => response?.statusCode,
  )
  try {
    return await Promise.race([opened, refused])
  } finally {
    socket.on('error', () => {}).terminate()
  }
}

describe.skipIf(!chromiumPath || !curl || !nc)('who may use a hub', () => {
  test('open to the network: the page works with the token, and after that without it', async () => {
    const hub = await startHub(folder.path, '--lan')
    const { port, search } = new URL(hub.page)
    const ann = await visits.open(`http://127.0.0.1:${port}/${search}`)
    await ann.says('inside')
    await ann.hears('guest-1: inside')
    await ann
      .get('file-input')
      .setInputFiles({ name: 'notes.txt', mimeType: '', buffer: Buffer.from('notes') })
    await ann.downloads('notes.txt', `${folder.path}/back`)
    await ann.page.goto(`http://127.0.0.1:${port}/`)
    await ann.hears('guest-1: inside')

    const stranger = await visits.blank()
    stranger.expected = /status of 401/
    for (const query of ['', '?token=0', `${search}0`]) {
      const answer = await stranger.page.goto(`http://127.0.0.1:${port}/${query}`)
      expect([answer?.status(), await answer?.text()]).toEqual([401, 'a token is needed\n'])
    }
  })

  test('open to the network: without the token nobody reads, uploads or joins', async () => {
    const hub = await startHub(folder.path, '--lan')
    const { port, search } = new URL(hub.page)
    const page = `http://127.0.0.1:${port}`
    const status = async (...args: string[]) =>
      (await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args])).stdout
    expect(await status(`${page}/files`)).toBe('401')
    expect(await status('-T', new URL(import.meta.url).pathname, `${page}/files/notes.txt`)).toBe('401')
    expect(await status('-T', new URL(import.meta.url).pathname, `${page}/files/notes.txt${search}`)).toBe(
      '201',
    )
    expect(await status(`${page}/files/notes.txt`)).toBe('401')

    const socket = `ws://127.0.0.1:${port}`
    expect(await knock(`${socket}/chat`)).toBe(401)
    expect(await knock(`${socket}/folder`)).toBe(401)
    expect(await knock(`${socket}/chat`, { cookie: 'fairlead=1; token=2' })).toBe(401)
    expect(await knock(`${socket}/chat${search}`)).toBe(101)
    expect(await knock(`${socket}/chat${search}`, { origin: 'http://evil.example' })).toBe(403)

    const guess = Program.start('nc', ['-N', '127.0.0.1', `${hub.chat.port}`])
    await guess.prints(/^\* token\?$/m)
    guess.child.stdin?.end('secret\nhello\n')
    expect((await guess.ended).stdout).toBe('* token?\n* wrong token\n')
    const known = Program.start('nc', ['127.0.0.1', `${hub.chat.port}`])
    known.child.stdin?.write(`${hub.token}\nhello\n`)
    await known.prints(/^guest-\d+: hello$/m)
    expect(known.stdout).not.toContain('secret')
  })

  test('on loopback, another site that points here is refused', async () => {
    const hub = await startHub(folder.path)
    const { port } = new URL(hub.page)
    const rebound = await run('curl', ['-sS', '-i', '-H', 'Host: evil.example', hub.page])
    expect(rebound.stdout).toMatch(/^HTTP\/1\.1 403 .*this hub is called by a loopback address only\n$/s)
    const socket = `ws://127.0.0.1:${port}/chat`
    expect(await knock(socket, { host: 'evil.example' })).toBe(403)
    expect(await knock(socket, { origin: 'http://evil.example' })).toBe(403)
    expect(await knock(socket, { origin: 'null' })).toBe(403)
    expect(await knock(socket)).toBe(101)
    const named = await visits.open(`http://localhost:${port}/`)
    await named.says('by name')
    await named.hears('guest-2: by name')
  })
})
