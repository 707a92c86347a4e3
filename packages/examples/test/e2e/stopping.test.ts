import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { requireProgram } from '@fairlead/testkit'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { chromiumPath, useBrowser } from './browser.ts'
import { Program, startHub } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()
const curl = requireProgram('curl')

/** Milliseconds that a hub gives to downloads and uploads, and what a busy machine may add. */
const graceAndMore = 3_000 + 1_500

describe.skipIf(!chromiumPath || !curl)('Ctrl-C', () => {
  test('ends a hub with open chats and a running download inside its grace period', async () => {
    const hub = await startHub(folder.path)
    const huge = join(folder.path, 'huge')
    await writeFile(huge, '')
    await truncate(huge, 2_000_000_000)
    const { port } = new URL(hub.page)

    const ann = await visits.open(hub.page)
    ann.expected = /^WebSocket connection to .* failed/
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
    await once(socket, 'open')
    const terminal = connect(hub.chat.port, hub.chat.host)
    const shown = text(terminal)
    const idle = connect(Number(port), '127.0.0.1')
    idle.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await once(idle, 'data')
    idle.resume()
    const download = Program.start('curl', [
      '--limit-rate',
      '1M',
      '-sS',
      '-o',
      '/dev/null',
      `${hub.page}files/huge`,
    ])
    await ann.sees('guest-1, guest-2, guest-3')
    await ann.says('still here?')

    const asked = performance.now()
    hub.program.signal('SIGINT')
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1001)
    expect(await shown).toContain('* you are guest-')
    if (!idle.closed) await once(idle, 'close')
    expect(performance.now() - asked).toBeLessThan(1_500)
    await ann.reads('The hub has stopped. Trying again')

    expect(await hub.program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
    expect(performance.now() - asked).toBeLessThan(graceAndMore)
    download.signal('SIGKILL') // it would go on with what is on its way for some seconds
    for (const free of [Number(port), hub.chat.port]) {
      const server = createServer().listen(free, '127.0.0.1')
      await once(server, 'listening')
      server.close()
    }
  })
})
