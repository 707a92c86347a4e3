import { once } from 'node:events'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { leftovers } from '../hub/cast.ts'
import { descriptors, hasProc } from './process.ts'
import { Program, type RunningHub, startHub } from './program.ts'

/** How far a request comes before its client is gone. */
const moments: Record<string, (socket: Socket) => void> = {
  'before a request': () => {},
  'in the middle of a head': (socket) => socket.write('GET / HTTP/1.1\r\nHost: 127.0'),
  'in the middle of an upload': (socket) =>
    socket.write(
      `PUT /files/up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n${'x'.repeat(500)}`,
    ),
  'in the middle of a chunk': (socket) =>
    socket.write('PUT /files/up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx'),
  'in the middle of a resumable upload': (socket) =>
    socket.write(
      `POST /uploads HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 9999\r\n` +
        `Content-Type: application/offset+octet-stream\r\nContent-Length: 9999\r\n\r\n${'x'.repeat(500)}`,
    ),
  'in the middle of a download': (socket) =>
    socket.write('GET /files/huge HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  'between two requests': (socket) => socket.write('GET /icon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  'in the middle of a chat': (socket) =>
    socket.write(
      'GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\xfe\x01\x00mask',
      'latin1',
    ),
}

const ways: Record<string, (socket: Socket) => void> = {
  'hangs up': (socket) => void socket.destroy(),
  'is cut off': (socket) => void socket.resetAndDestroy(),
}

/** Whether the hub answers to this, so that one can tell that it has come so far. */
const answered = /download|requests|chat/

describe.skipIf(!hasProc)(
  'a client that vanishes leaves no descriptor and no file but what it can go on with',
  () => {
    /** One for all of them, which must end as well as one that nobody vanished from. */
    let hub: RunningHub

    beforeAll(async () => {
      hub = await startHub(await mkdtemp(join(tmpdir(), 'fairlead-e2e-')))
      await writeFile(join(hub.folder, 'huge'), '')
      await truncate(join(hub.folder, 'huge'), 2_000_000_000)
    })

    afterAll(async () => {
      hub.program.signal('SIGINT')
      const outcome = await hub.program.ended
      await Program.killAll()
      await rm(hub.folder, { recursive: true })
      expect(outcome).toMatchObject({ code: 0, stderr: '' })
    })

    for (const [moment, begin] of Object.entries(moments)) {
      test.each(Object.entries(ways))(`${moment}, and %s`, async (_, vanish) => {
        const before = await descriptors(hub)
        const had = (await leftovers(hub.folder)).length
        const sockets = Array.from({ length: 10 }, () => connect(Number(new URL(hub.page).port), '127.0.0.1'))
        await Promise.all(
          sockets.map(async (socket) => {
            await once(socket, 'connect')
            begin(socket)
            if (answered.test(moment)) await once(socket, 'readable')
          }),
        )
        const files = moment.includes('load') || moment.includes('chunk') ? 10 : 0
        await expect.poll(() => descriptors(hub)).toBe(before + 10 + files)
        // What can be resumed stays, and so does what is known of it.
        const kept = moment.includes('resumable') ? 20 : 0
        if (/upload|chunk/.test(moment)) expect(await leftovers(hub.folder)).toHaveLength(had + (kept || 10))

        for (const socket of sockets) vanish(socket)
        await expect.poll(() => descriptors(hub), { timeout: 5_000 }).toBe(before)
        await expect.poll(() => leftovers(hub.folder)).toHaveLength(had + kept)
        expect((await readdir(hub.folder)).toSorted()).toEqual(['.fairlead', 'huge'])
      })
    }
  },
)
