import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { requireProgram } from '@fairlead/testkit'
import { describe, expect, test } from 'vitest'

import { startBridge } from '../bridge/program.ts'
import { Redis } from '../bridge/redis.ts'
import { serveLines, useServices } from '../bridge/services.ts'
import { chromiumPath, useBrowser, type Visitor } from './browser.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()
const redisServer = requireProgram('redis-server')
useServices()

/** A page that sends what is typed, and shows what comes: every byte of it in the encoding that `send` is given. */
const page = `<!doctype html>
<link rel="icon" href="data:,">
<title>Bridge</title>
<form><input data-testid="say" autofocus><button data-testid="send">Send</button></form>
<p data-testid="state">connecting</p>
<pre data-testid="heard"></pre>
<script type="module" src="page.js"></script>
`

const script = `
const [state, heard, say] = ['state', 'heard', 'say'].map((id) => document.querySelector(\`[data-testid=\${id}]\`))
const socket = new WebSocket(location.search.slice(1) || location.origin.replace(/^http/, 'ws'), 'binary')
const decoder = new TextDecoder()
socket.binaryType = 'arraybuffer'
socket.onopen = () => (state.textContent = 'open')
socket.onclose = ({ code, reason }) => (state.textContent = \`closed \${code} \${reason}\`)
socket.onmessage = ({ data }) => heard.append(decoder.decode(data, { stream: true }))
document.querySelector('form').onsubmit = (event) => {
  event.preventDefault()
  socket.send(new TextEncoder().encode(encode(say.value)))
  say.value = ''
}
const encode = document.title === 'Redis'
  ? (text) => {
      const words = text.split(' ')
      const bulk = (word) => \`$\${new TextEncoder().encode(word).length}\\r\\n\${word}\\r\\n\`
      return \`*\${words.length}\\r\\n\${words.map(bulk).join('')}\`
    }
  : (text) => text + '\\n'
`

/** A folder with the page, for `--web`. */
async function putPage(title: string): Promise<string> {
  const web = join(folder.path, 'web')
  await mkdir(web)
  await writeFile(join(web, 'index.html'), page.replace('Bridge', title))
  await writeFile(join(web, 'page.js'), script)
  return web
}

async function open(url: string): Promise<Visitor> {
  const visitor = await visits.blank()
  await visitor.page.goto(url)
  return visitor
}

const state = (visitor: Visitor, text: string | RegExp): Promise<void> =>
  visitor.get('state').filter({ hasText: text }).waitFor()

/** Waits until everything that came is `text`. */
const hears = async (visitor: Visitor, text: string): Promise<void> =>
  expect.poll(() => visitor.get('heard').textContent()).toBe(text)

describe.skipIf(!chromiumPath)('a page', () => {
  test.skipIf(!redisServer)('speaks to Redis', async () => {
    const redis = await Redis.start(redisServer ?? '', folder.path)
    try {
      const web = await putPage('Redis')
      const { url } = await startBridge(':0', `tcp://127.0.0.1:${redis.port}`, '--web', web)
      const ann = await open(url.replace('ws', 'http'))
      await state(ann, 'open')
      await ann.says('PING')
      await hears(ann, '+PONG\r\n')
      await ann.says('SET greeting ahoy-ü')
      await hears(ann, '+PONG\r\n+OK\r\n')
      await ann.says('GET greeting')
      await hears(ann, '+PONG\r\n+OK\r\n$7\r\nahoy-ü\r\n')

      const bob = await open(url.replace('ws', 'http'))
      await bob.says('APPEND greeting !')
      await hears(bob, ':8\r\n')
      await bob.says('QUIT')
      await state(bob, 'closed 1000')
      await ann.says('GET greeting')
      await hears(ann, '+PONG\r\n+OK\r\n$7\r\nahoy-ü\r\n$8\r\nahoy-ü!\r\n')
    } finally {
      await redis.stop()
    }
  })

  test('speaks to a server of lines, and hears when the bridge goes', async () => {
    const { port, sockets } = await serveLines()
    const web = await putPage('Lines')
    const { program, url } = await startBridge(':0', `localhost:${port}`, '--web', web)
    const ann = await open(url.replace('ws', 'http'))
    await hears(ann, 'Welcome\n')
    await ann.says('ahoy')
    await hears(ann, 'Welcome\nAHOY\n')
    const bob = await open(url.replace('ws', 'http'))
    await hears(bob, 'Welcome\n')
    await bob.says('bye')
    await state(bob, 'closed 1000')
    await hears(bob, 'Welcome\nFarewell\n')
    expect(sockets).toHaveLength(2)

    program.signal('SIGINT')
    await state(ann, 'closed 1001')
    expect(await program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  })

  test('of another site is not let in, unless somebody says so', async () => {
    const { port, sockets } = await serveLines()
    const web = await putPage('Lines')
    const target = `tcp://127.0.0.1:${port}`
    const own = await startBridge(':0', target)
    const elsewhere = await startBridge(':0', target, '--web', web)
    const page = elsewhere.url.replace('ws', 'http')
    const ann = await open(`${page}?${own.url}`)
    ann.expected = /^WebSocket connection to .* failed/
    await state(ann, 'closed 1006')
    expect(sockets).toEqual([])

    const opened = await startBridge(':0', target, '--origin', new URL(page).origin)
    const bob = await open(`${page}?${opened.url}`)
    await hears(bob, 'Welcome\n')
  })

  test('is told why where nothing answers', async () => {
    const web = await putPage('Lines')
    const { url } = await startBridge(':0', `unix:${join(folder.path, 'nobody')}`, '--web', web)
    const ann = await open(url.replace('ws', 'http'))
    await state(ann, 'closed 1011 the target cannot be reached')
  })
})
