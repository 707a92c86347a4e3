import { connect, type Socket } from 'node:net'

import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { Response } from '../../src/index.ts'
import { parts, saveBody, saveForm } from '../../src/uploads/index.ts'
import { useFolder } from '../client/download/file-server.ts'
import { settled, watchStrays } from '../faults/harness.ts'
import { head, portOf, quiet, Signal, until } from '../server/ways.ts'
import { field, overTcp, serveUploads, wireForm } from './uploads.ts'

watchStrays()
// It stands: whoever lingers does so until the client has ended, however loaded the machine is.
useManualClock()

const folder = useFolder()

const fifty = 50_000_000
/** More than all buffers between the two. */
const enough = 16_000_000
const piece = Buffer.alloc(500_000, 120)

const type = 'Content-Type: multipart/form-data; boundary=b0undary'
/** A form that is beyond its limits soon, and goes on for long. */
const start = wireForm([field('a'), field('b', 'x'.repeat(2_000))]).subarray(0, -20)

/** Sends a head and fifty million bytes as fast as they are taken, or until there is an answer. */
class Uploader {
  readonly socket: Socket
  text = ''
  sent = 0

  constructor(port: number) {
    this.socket = connect(port)
    this.socket.on('data', (chunk) => (this.text += chunk.toString('latin1')))
    this.socket.on('error', () => {})
  }

  async send(first: string): Promise<void> {
    this.socket.write(first)
    while (this.sent < fifty && this.text === '' && !this.socket.destroyed) {
      this.sent += piece.length
      if (this.socket.write(piece)) continue
      await until(() => !this.socket.writableNeedDrain || this.text !== '' || this.socket.destroyed)
    }
  }
}

describe('while fifty million bytes are coming, 413 is answered', () => {
  const cases: [string, string, (request: Request) => Promise<unknown>][] = [
    [
      'by saveBody, to what it is said to be',
      head('PUT / HTTP/1.1', `Content-Length: ${fifty}`),
      (request) => saveBody(request, folder.path('file'), { maxSize: 1_000 }),
    ],
    [
      'by saveBody, to what it turns out to be',
      `${head('PUT / HTTP/1.1', 'Transfer-Encoding: chunked')}${fifty.toString(16)}\r\n`,
      (request) => saveBody(request, folder.path('file'), { maxSize: 1_000_000 }),
    ],
    [
      'by parts, in the middle of a field',
      head('POST / HTTP/1.1', type, `Content-Length: ${fifty}`) + start.toString(),
      async (request) => {
        for await (const part of parts(request, { fieldSize: 1_000 })) await part.text()
      },
    ],
    [
      'by saveForm, when it is too large altogether',
      `${head('POST / HTTP/1.1', type, 'Transfer-Encoding: chunked')}${fifty.toString(16)}\r\n${start.toString()}`,
      (request) => saveForm(request, { folder: folder.path('.'), totalSize: 100_000 }),
    ],
  ]
  test.each(cases)('%s', async (_, first, take) => {
    await using server = await serveUploads(overTcp, async (request) => {
      await take(request)
      return new Response()
    })
    const uploader = new Uploader(portOf(server))
    await uploader.send(first)
    await until(() => uploader.text.includes('\r\n\r\n'))
    expect(uploader.text).toMatch(/^HTTP\/1\.1 413 /)
    expect(uploader.sent).toBeLessThan(enough)
    uploader.socket.destroy()
    await settled(server)
    expect(folder.names()).toEqual([])
  })
})

test('nothing more of a form is read while its handler makes up its mind', async () => {
  const failed = new Signal()
  const gate = new Signal()
  await using server = await overTcp.serve(
    async (request) => {
      await saveForm(request, { folder: folder.path('.'), totalSize: 100_000 }).catch(failed.fire)
      await gate.fired
      return new Response(null, { status: 413 })
    },
    { maxBodySize: 2 * fifty },
  )
  const uploader = new Uploader(portOf(server))
  const framing = `${head('POST / HTTP/1.1', type, 'Transfer-Encoding: chunked')}${fifty.toString(16)}\r\n`
  const sending = uploader.send(framing + start.toString())
  await failed.fired
  for (let before = -1; before !== uploader.sent; await quiet()) before = uploader.sent
  expect(uploader.sent).toBeLessThan(enough)
  gate.fire()
  await sending
  await until(() => uploader.text.includes('\r\n\r\n'))
  uploader.socket.destroy()
  await settled(server)
})

test.each([
  ['PUT', `Content-Length: ${fifty}`],
  ['PUT', 'Content-Length: 4', 'Content-Encoding: gzip'],
  ['PUT', 'Content-Length: 4', 'Content-Range: bytes 0-3/8'],
  ['POST', type, `Content-Length: ${fifty}`],
])('a client that asks first never sends what is refused: %s %s', async (method, ...fields) => {
  await using server = await serveUploads(overTcp, async (request) => {
    if (method === 'PUT') await saveBody(request, folder.path('file'), { maxSize: 1_000 })
    else await saveForm(request, { folder: folder.path('.'), totalSize: 1_000 })
    return new Response()
  })
  const socket = connect(portOf(server))
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.write(head(`${method} / HTTP/1.1`, 'Expect: 100-continue', ...fields))
  await until(() => text.includes('\r\n\r\n'))
  expect(text).toMatch(/^HTTP\/1\.1 4(?:00|13|15) /)
  socket.destroy()
  await settled(server)
})

test('a client that asks first is told to go on with what is taken', async () => {
  await using server = await serveUploads(overTcp, async (request) => {
    const { size } = await saveBody(request, folder.path('file'))
    return new Response(`${size}`)
  })
  const socket = connect(portOf(server))
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.write(head('PUT / HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 4', 'Connection: close'))
  await until(() => text.includes('\r\n\r\n'))
  expect(text).toMatch(/^HTTP\/1\.1 100 /)
  socket.write('ahoy')
  await until(() => text.endsWith('4'))
  socket.destroy()
})
