import { truncateSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

import { request } from '@fairlead/http'
import { describe, expect, onTestFinished, test } from 'vitest'

import { tellsOfProcesses } from './files-programs.ts'
import { FilesServer, useStage } from './files-server.ts'

const stage = useStage()
const { served } = stage

/** Connections that ask, and read no more of the answer than their sockets do by themselves. */
function ask(port: number, count: number, path = '/large'): Asker[] {
  const askers = Array.from({ length: count }, () => new Asker(port))
  onTestFinished(() => {
    for (const { socket } of askers) socket.destroy()
  })
  for (const asker of askers) asker.ask(path)
  return askers
}

class Asker {
  readonly socket: Socket
  readonly closed: Promise<void>
  /** What became of what it asked for last: a status, or `lost`. */
  fate = Promise.resolve('none')

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    // It says why it closes.
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()))
  }

  ask(path: string): void {
    // What is left of the answer before.
    this.socket.read()
    this.fate = new Promise((resolve) => {
      this.socket.once('close', () => resolve('lost'))
      this.socket.once('readable', () => {
        const bytes = this.socket.read(12) as Buffer | null
        resolve(bytes?.toString().replace('HTTP/1.1 ', '') ?? 'lost')
      })
    })
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: example\r\n\r\n`)
  }
}

/** A file of which nobody has all before it is cut; it takes no room on the disk. */
function makeLarge(): void {
  writeFileSync(served('large'), '')
  truncateSync(served('large'), 2 ** 30)
  writeFileSync(served('small'), 'small')
}

/** Resolves when the server sends no more to those who do not read. */
async function stuck(server: FilesServer): Promise<number> {
  for (let before = -1; ;) {
    const { bytesOut } = await (await request(`${server.url}/stats`)).json<{ bytesOut: number }>()
    // What tells of it is sent as well.
    if (bytesOut - before < 10_000) return bytesOut
    before = bytesOut
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const count = 200
const KiB = 1024
/** What is being sent, and what was read ahead: a connection has two pieces of the file. */
const pieces = 2 * 256 * KiB
/** Its sockets, streams, deadlines and what V8 keeps of them until it cleans up. */
const beside = 64 * KiB
/** What the process grows by whoever asks. */
const slack = 48 * KiB * KiB

describe.skipIf(!tellsOfProcesses())('3 clients that ask for a large file and never read', () => {
  test('memory is bounded, others are served, and nothing is open once they have left', async () => {
    makeLarge()
    const server = await FilesServer.start(served())
    for (let at = 0; at < 50; at++) await (await request(`${server.url}/small`)).text()
    const before = server.peakMemory()
    const descriptors = server.descriptors()
    const askers = ask(server.port, count)
    await expect.poll(() => server.openFiles(), { interval: 20 }).toBe(count)
    const sent = await stuck(server)
    // Each of them had more than the first, smaller pieces, and nobody all of it.
    expect(sent).toBeGreaterThan(count * 1024 * KiB)
    expect(sent).toBeLessThan(count * 16 * 1024 * KiB)
    expect(server.peakMemory() - before).toBeLessThan(count * (pieces + beside) + slack)
    expect(await (await request(`${server.url}/small`)).text()).toBe('small')
    for (const [at, { socket }] of askers.entries()) {
      if (at % 2 === 0) socket.destroy()
      else socket.resetAndDestroy()
    }
    await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
    // One or two of the client that asked above are still kept.
    await expect.poll(() => server.descriptors(), { interval: 5 }).toBeLessThanOrEqual(descriptors + 2)
    expect(server.program.output).not.toContain('failed')
  })

  test('they are cut at the write deadline', async () => {
    makeLarge()
    const server = await FilesServer.start(served(), { server: { writeTimeout: 300 } })
    const askers = ask(server.port, count / 4)
    const fates = await Promise.all(askers.map(({ fate }) => fate))
    expect(new Set(fates)).toEqual(new Set(['200']))
    await expect.poll(() => server.openFiles(), { interval: 20 }).toBe(0)
    const stats = await (await request(`${server.url}/stats`)).json<{ active: number; aborted: number }>()
    expect(stats).toMatchObject({ aborted: count / 4, active: 1 })
    expect(server.program.output).not.toContain('failed')
  })
})

describe.skipIf(!tellsOfProcesses())('22 no descriptors', () => {
  test('files that cannot be opened are answered with 503, and on the same connection once they can', async () => {
    makeLarge()
    const server = await FilesServer.start(served(), { shell: 'ulimit -n 64;' })
    // Connections have three quarters of what is left, and files the rest.
    const askers = ask(server.port, Math.floor(((64 - server.descriptors()) * 3) / 4), '/stats')
    expect(new Set(await Promise.all(askers.map(({ fate }) => fate)))).toEqual(new Set(['200']))
    for (const asker of askers) asker.ask('/large')
    const fates = await Promise.all(askers.map(({ fate }) => fate))
    expect(new Set(fates)).toEqual(new Set(['200', '503']))
    const opened = fates.filter((fate) => fate === '200').length
    expect(server.openFiles()).toBe(opened)
    for (const [at, fate] of fates.entries()) if (fate === '200') askers[at]!.socket.destroy()
    await expect.poll(() => server.openFiles(), { interval: 5 }).toBe(0)
    const refused = askers.filter((_, at) => fates[at] === '503')
    for (const asker of refused.slice(0, opened)) asker.ask('/large')
    const again = await Promise.all(refused.slice(0, opened).map(({ fate }) => fate))
    expect(new Set(again)).toEqual(new Set(['200']))
    expect(server.program.output).not.toContain('failed')
  })

  test('connections that cannot be accepted are lost, or wait for others to leave; then all is as before', async () => {
    makeLarge()
    const server = await FilesServer.start(served(), { shell: 'ulimit -n 64;' })
    const idle = server.descriptors()
    for (let round = 0; round < 3; round++) {
      const askers = ask(server.port, 150)
      const leave = async ({ fate, socket }: Asker): Promise<string> => {
        const told = await fate
        socket.destroy()
        return told
      }
      const fates = await Promise.all(askers.map(leave))
      expect(fates.filter((fate) => !['200', '503', 'lost'].includes(fate))).toEqual([])
      await Promise.all(askers.map(({ closed }) => closed))
      await expect.poll(() => server.descriptors(), { interval: 5 }).toBeLessThanOrEqual(idle)
      const [one] = ask(server.port, 1, '/small')
      expect(await one!.fate).toBe('200')
      one!.socket.destroy()
    }
    expect(server.program.output).not.toContain('failed')
    expect(server.program.child.exitCode).toBe(null)
  })
})
