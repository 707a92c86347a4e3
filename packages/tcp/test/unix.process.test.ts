import { linkSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'

import { ListenError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { masked, reclaim } from '../src/unix-path.ts'
import { textOf } from './harness.ts'

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
  path = join(folder, 'socket')
})

afterEach(() => rmSync(folder, { recursive: true }))

/** Leaves the socket file of a listener that is gone, as a killed process does. */
async function leaveBehind(): Promise<void> {
  const server: Server = createServer()
  // The runtime unlinks the name that it bound, and no other.
  await new Promise<void>((resolve) => server.listen({ path: `${path}-old` }, resolve))
  linkSync(`${path}-old`, path)
  await new Promise((resolve) => server.close(resolve))
  expect(lstatSync(path).isSocket()).toBe(true)
}

/** What a listener there says to who connects. */
async function answer(): Promise<string> {
  const connection = await tcp.connect({ path })
  const text = await textOf(connection)
  await connection.close()
  return text
}

function saying(text: string): (connection: tcp.StreamConnection) => void {
  return (connection) => {
    connection.write(text)
    void connection.close()
  }
}

describe('a Unix socket', () => {
  test('is gone from the file system when the listener is suspended or closed, and back when it resumes', async () => {
    const listener = await tcp.listen({ path }, saying('here'))
    const there = (): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined
    expect(there()).toBe(true)
    await listener.suspend()
    expect(there()).toBe(false)
    await listener.resume()
    expect(listener.address).toEqual({ kind: 'unix', path })
    expect(await answer()).toBe('here')
    await listener.close()
    expect(there()).toBe(false)
  })

  test('that nobody listens on any more is replaced', async () => {
    await leaveBehind()
    await using _ = await tcp.listen({ path }, saying('new'))
    expect(await answer()).toBe('new')
  })

  test('that somebody listens on never is', async () => {
    await using _ = await tcp.listen({ path }, saying('first'))
    const second = tcp.listen({ path }, saying('second'))
    await expect(second).rejects.toThrow(ListenError)
    await expect(second).rejects.toThrow(`Cannot listen on unix:${path}: address is in use`)
    expect(await answer()).toBe('first')
  })

  test('does not take the place of another file', async () => {
    writeFileSync(path, 'precious')
    const attempt = tcp.listen({ path })
    await expect(attempt).rejects.toThrow(ListenError)
    await expect(attempt).rejects.toThrow(`Cannot listen on unix:${path}: a file that is no socket is there`)
    expect(lstatSync(path).size).toBe(8)
  })

  test('is not cleared away when it was replaced while it was looked at', async () => {
    await leaveBehind()
    const looking = reclaim(path)
    rmSync(path)
    await using _ = await tcp.listen({ path }, saying('quicker'))
    expect(await looking).toBe(true)
    expect(await answer()).toBe('quicker')
  })

  test('that went away meanwhile is free, and a name without a file is nobody’s to clear away', async () => {
    expect(await reclaim(path)).toBe(true)
    expect(await reclaim('\0somebody')).toBe(false)
  })

  test.each([0o600, 0o660, 0o666, 0o777, 0])('has the mode %o that was asked for', async (mode) => {
    await using _ = await tcp.listen({ path, mode })
    expect(lstatSync(path).mode & 0o777).toBe(mode)
  })

  test('is bound under a umask that lets nobody in, and the umask is back at once', () => {
    const worker = threadId !== 0
    const before = worker ? undefined : process.umask(0o027)
    let during = 0
    try {
      masked(0o606, () => {
        writeFileSync(path, '')
        during = lstatSync(path).mode & 0o777
      })
      writeFileSync(`${path}-2`, '')
      // A worker thread cannot set it, and binds all the same.
      expect(during).toBe(worker ? lstatSync(`${path}-2`).mode & 0o777 : 0o600)
      if (!worker) expect(lstatSync(`${path}-2`).mode & 0o777).toBe(0o640)
    } finally {
      if (before !== undefined) process.umask(before)
    }
  })

  test.runIf(process.platform === 'linux')('may have a name without a file', async () => {
    path = `\0${folder}`
    await using listener = await tcp.listen({ path }, saying('abstract'))
    expect(listener.address).toEqual({ kind: 'unix', path })
    expect(await answer()).toBe('abstract')
    await expect(tcp.listen({ path })).rejects.toThrow(/address is in use/)
  })

  test('has a path that fits, and options that are about it', async () => {
    const refused = (options: tcp.ListenOptions): Promise<string> =>
      tcp.listen(options).then(
        () => 'listening',
        (error: unknown) => String(error),
      )
    // The system would cut it short, and the file would be elsewhere.
    expect(await refused({ path: `/tmp/${'a'.repeat(150)}` })).toMatch(
      /^RangeError: Invalid option path: 155 bytes, and a socket's path has at most 10\d/,
    )
    expect(await refused({ path: `/tmp/${'é'.repeat(54)}` })).toMatch(/option path: 113 bytes/)
    expect(await refused({ path: '/tmp/a\0b' })).toMatch(/^TypeError: Invalid option path/)
    expect(await refused({ path, mode: 0o1777 })).toMatch(/^RangeError: Invalid option mode/)
    expect(await refused({ path, mode: -1 })).toMatch(/^RangeError: Invalid option mode/)
    expect(await refused({ port: 0, mode: 0o600 })).toMatch(/^TypeError: Invalid option mode/)
    expect(await refused({ path, ipv6Only: true })).toMatch(/^TypeError: Invalid option ipv6Only/)
    expect(await refused({ path, reusePort: true })).toMatch(/^TypeError: Invalid option reusePort/)
  })
})
