import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { describe, expect, onTestFinished, test } from 'vitest'

import { type OutgoingBody, outgoingBody } from '../../../src/client/body/outgoing-body.ts'
import type { FileBody } from '../../../src/client/options.ts'
import { drain, prepare, send } from './sending.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'fairlead-body-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

function fileOf(content: string | Uint8Array): string {
  const path = join(folder(), 'file')
  writeFileSync(path, content)
  return path
}

async function body(given: FileBody): Promise<OutgoingBody> {
  return outgoingBody(given)
}

async function sent(given: OutgoingBody): Promise<string> {
  return (await send({ source: given.open(), framing: given.length! })).toString()
}

/** How often this process has a file open. */
function descriptors(path: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((link) => link === path).length
}

async function closed(path: string): Promise<void> {
  if (existsSync('/proc/self/fd')) await expect.poll(() => descriptors(path)).toBe(0)
}

const large = Buffer.alloc(400_000, 'abcdefg')

describe('a file', () => {
  test('has its exact length and no type, is sent, closed, and may be sent again', async () => {
    const path = fileOf(large)
    const given = await body({ file: path })
    expect(given).toMatchObject({ length: 400_000, type: undefined, replayable: true, whole: undefined })
    expect((await sent(given)) === large.toString()).toBe(true)
    await closed(path)
    expect((await sent(given)) === large.toString()).toBe(true)
    await closed(path)
  })

  test('may be given as a URL', async () => {
    expect(await sent(await body({ file: pathToFileURL(fileOf('abc')) }))).toBe('abc')
  })

  test('may be empty', async () => {
    const path = fileOf('')
    const given = await body({ file: path })
    expect(given.length).toBe(0)
    expect(await sent(given)).toBe('')
    await closed(path)
  })

  test.each([
    [{ start: 2 }, 'cdef'],
    [{ end: 2 }, 'ab'],
    [{ start: 1, end: 3 }, 'bc'],
    [{ start: 6 }, ''],
    [{ start: 3, end: 3 }, ''],
  ])('is sent from %o', async (part, wanted) => {
    const given = await body({ file: fileOf('abcdef'), ...part })
    expect(given.length).toBe(wanted.length)
    expect(await sent(given)).toBe(wanted)
    expect(await sent(given)).toBe(wanted)
  })

  test.each([{ start: 7 }, { end: 7 }, { start: 3, end: 2 }])('does not have %o', async (part) => {
    const path = fileOf('abcdef')
    const refused = body({ file: path, ...part })
    await expect(refused).rejects.toThrow(RangeError)
    await expect(refused).rejects.toThrow('Invalid option body: ')
    await closed(path)
  })

  test.each([{ start: -1 }, { end: 1.5 }, { start: Number.NaN }, { end: '3' as unknown as number }])(
    'has no part %o',
    async (part) => {
      await expect(body({ file: fileOf('abcdef'), ...part })).rejects.toThrow(RangeError)
    },
  )

  test('that is not there, or a directory, is refused', async () => {
    const path = folder()
    await expect(body({ file: join(path, 'none') })).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(body({ file: path })).rejects.toThrow(
      new TypeError(`Invalid option body: ${path} is not a regular file`),
    )
    await closed(path)
  })

  test.skipIf(process.platform === 'win32')('that is a FIFO is refused, and not waited for', async () => {
    const path = join(folder(), 'fifo')
    execFileSync('mkfifo', [path])
    await expect(body({ file: path })).rejects.toThrow('is not a regular file')
    await closed(path)
  })
})

describe('a file that changes', () => {
  test('and becomes shorter fails the body', async () => {
    const path = fileOf(large)
    const given = await body({ file: path })
    truncateSync(path, 1000)
    const message = `Cannot send body: ${path} became shorter while it was sent`
    await expect(sent(given)).rejects.toThrow(message)
    await closed(path)
  })

  test('and becomes longer is sent as it was announced', async () => {
    const path = fileOf('abc')
    const given = await body({ file: path })
    appendFileSync(path, 'def')
    expect(await sent(given)).toBe('abc')
    expect(await sent(given)).toBe('abc')
  })

  test('and is removed is sent once, and not again', async () => {
    const path = fileOf('abc')
    const given = await body({ file: path })
    rmSync(path)
    expect(await sent(given)).toBe('abc')
    await expect(sent(given)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('and is replaced is not sent in its place', async () => {
    const path = fileOf('abc')
    const given = await body({ file: path })
    expect(await sent(given)).toBe('abc')
    writeFileSync(`${path}.new`, 'xyz')
    renameSync(`${path}.new`, path)
    await expect(sent(given)).rejects.toThrow(`${path} is not what it was when it was first sent`)
    await closed(path)
  })
})

describe('a file is closed', () => {
  test('when it fails, which whoever reads it hears when he asks', async () => {
    const path = fileOf(large)
    const source = (await body({ file: path })).open()
    truncateSync(path, 128 * 1024)
    await source.next()
    // The next block is read already, and that has failed by now.
    for (let reads = 0; reads < 10; reads++) await readFile(path)
    await expect(source.next()).rejects.toThrow('became shorter')
    await closed(path)
  })

  test('when it cannot be opened again, and nobody asks', async () => {
    const path = fileOf('abc')
    const given = await body({ file: path })
    expect(await sent(given)).toBe('abc')
    writeFileSync(`${path}.new`, 'xyz')
    renameSync(`${path}.new`, path)
    const source = given.open()
    await closed(path)
    source.cancel(undefined)
  })

  test('when nobody sends it', async () => {
    const path = fileOf('abc')
    const given = await body({ file: path })
    given.discard()
    given.discard()
    await closed(path)
  })

  test('when it is cancelled before it was read', async () => {
    const path = fileOf('abc')
    const given = await body({ file: path })
    given.open().cancel(undefined)
    given.open().cancel(undefined)
    await closed(path)
  })

  test('when it is cancelled while it is read', async () => {
    const path = fileOf(large)
    const source = (await body({ file: path })).open()
    const reading = source.next()
    source.cancel(undefined)
    await reading
    expect((await source.next()).done).toBe(true)
    await closed(path)
  })

  test('when it is stopped with a peer that does not read', async () => {
    const path = fileOf(large)
    const given = await body({ file: path })
    const { writer, told } = prepare({ source: given.open(), framing: given.length! })
    writer.start('head')
    await expect.poll(() => told.at(-1)).toBe('blocked true')
    writer.stop(new Error('aborted'))
    await closed(path)
  })
})

test('of a file of 100 MiB, a few hundred KiB are in memory', async () => {
  const path = fileOf('')
  truncateSync(path, 100 * 1024 * 1024)
  const given = await body({ file: path })
  const source = given.open()
  let asked = 0
  let gone = 0
  let most = 0
  const counting = {
    next: async () => {
      const result = await source.next()
      if (result.done !== true) asked += (result.value as Uint8Array).byteLength
      // With the block that is read ahead.
      most = Math.max(most, asked + 128 * 1024 - gone)
      return result
    },
    cancel: (reason: unknown) => source.cancel(reason),
  }
  const { writer, here, there, over } = prepare({ source: counting, framing: given.length! })
  const ended = new Promise<void>((resolve) => {
    there.handle({
      onData(data) {
        gone += data.byteLength
      },
      onEnd: resolve,
    })
  })
  writer.start()
  expect(await over).toBe(undefined)
  here.end()
  await ended
  expect(gone).toBe(given.length)
  expect(most).toBeLessThanOrEqual(512 * 1024)
})

test('a file is the same in whatever blocks it is read', async () => {
  for (const size of [1, 131_071, 131_072, 131_073, 262_144, 300_001]) {
    const content = Buffer.alloc(size, 'abcdefg')
    const given = await body({ file: fileOf(content) })
    expect((await drain(given.open())).equals(content)).toBe(true)
  }
})
