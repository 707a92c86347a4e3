import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { Program } from '@fairlead/harness'
import { Upload, type UploadOptions } from 'tus-js-client'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { bytesOf, dice } from '../client/download/file-server.ts'
import { tellsOfProcesses } from './files-programs.ts'
import { sha256 } from './files-server.ts'
import { Cutter } from './tus-cutter.ts'

const hasProc = tellsOfProcesses()
const size = 24_000_000
const file = bytesOf(size, 21)
const digest = sha256(file)

let folder = ''
let program: Program
let port = 0

/** At the same port as before, once there was one. */
async function start(): Promise<void> {
  program = Program.start(new URL('../programs/tus-server.mjs', import.meta.url), [folder, String(port)])
  const [said] = await program.prints(/^listening on .*:(\d+)$/gm)
  port = Number(said)
}

beforeEach(async () => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'fairlead-tus-'))
  port = 0
  await start()
})

afterEach(async () => {
  await Program.killAll()
  rmSync(folder, { recursive: true })
})

/** Neither a file is open, nor is anything there but what was uploaded, and what the store writes of it. */
async function nothingLeft(...ids: string[]): Promise<void> {
  expect(readdirSync(folder).toSorted()).toEqual(ids.flatMap((id) => [id, `${id}.json`]).toSorted())
  if (hasProc) await expect.poll(openFiles, { interval: 5 }).toEqual([])
  expect(program.output).not.toContain('failed')
}

function openFiles(): string[] {
  const descriptors = `/proc/${program.child.pid}/fd`
  return readdirSync(descriptors).flatMap((name) => {
    try {
      const path = readlinkSync(join(descriptors, name))
      return path.startsWith(folder) ? [path] : []
    } catch {
      // It was closed meanwhile.
      return []
    }
  })
}

const patient = { retryDelays: Array.from({ length: 500 }, () => 10) }

/** Uploads, and gives the name by which the server knows it. */
function upload(
  url: string,
  options: UploadOptions & { from?: ConstructorParameters<typeof Upload>[0] },
): Promise<string> {
  const { from = file, ...rest } = options
  return new Promise((resolve, reject) => {
    const uploading: Upload = new Upload(from, {
      endpoint: `${url}/files/`,
      ...patient,
      ...rest,
      onError: reject,
      onSuccess: () => resolve(idOf(uploading)),
    })
    uploading.start()
  })
}

const idOf = ({ url }: Upload): string => url!.slice(url!.lastIndexOf('/') + 1)
const saved = (id: string): string => sha256(readFileSync(join(folder, id)))

test('cut at random bytes, both ways, a dozen times: byte by byte what was sent', async () => {
  await using cutter = await Cutter.open(() => port)
  const random = dice(17)
  let connections = 0
  cutter.next = () => {
    if (connections++ > 14) return undefined
    // Nobody can ask for the upload that a lost answer to its making would have told of.
    if (connections === 1) return { up: 2_000 + random(2_000_000) }
    return connections % 5 === 0 ? { down: 1 + random(300) } : { up: 1 + random(3_000_000) }
  }
  const id = await upload(cutter.url, { metadata: { filename: 'ü.bin' } })
  expect(cutter.cuts).toBeGreaterThanOrEqual(10)
  expect(saved(id)).toBe(digest)
  await nothingLeft(id)
})

test('with the server killed twice in between, and started again', async () => {
  await using cutter = await Cutter.open(() => port)
  const killAt = [5_000_000, 20_000_000]
  const restarts: Promise<void>[] = []
  const restart = async (): Promise<void> => {
    program.child.kill('SIGKILL')
    await program.ended
    await start()
  }
  cutter.onBytes = (bytes) => {
    if (bytes < (killAt[0] ?? Infinity)) return
    killAt.shift()
    restarts.push(restart())
  }
  let resumed = 0
  const onAfterResponse: UploadOptions['onAfterResponse'] = (request, response) => {
    if (request.getMethod() === 'HEAD' && Number(response.getHeader('Upload-Offset')) > 0) resumed++
  }
  const id = await upload(cutter.url, { onAfterResponse })
  await Promise.all(restarts)
  expect(restarts).toHaveLength(2)
  // It was not sent anew.
  expect(resumed).toBeGreaterThan(0)
  expect(saved(id)).toBe(digest)
  await nothingLeft(id)
})

test('without a length, from a stream, in pieces: cut as well', async () => {
  await using cutter = await Cutter.open(() => port)
  const random = dice(5)
  let connections = 0
  cutter.next = () => (connections++ < 6 ? { up: 2_000 + random(1_500_000) } : undefined)
  const from = Readable.from(pieces(), { objectMode: false }) as never
  const id = await upload(cutter.url, { from, uploadLengthDeferred: true, chunkSize: 3_700_001 })
  expect(cutter.cuts).toBe(6)
  expect(saved(id)).toBe(sha256(half))
  await nothingLeft(id)
})

const half = file.subarray(0, size / 2)

function* pieces(): Generator<Uint8Array> {
  for (let at = 0; at < half.length; at += 50_000) yield half.subarray(at, at + 50_000)
}

test('three at a time, each cut on its own', async () => {
  await using cutter = await Cutter.open(() => port)
  const random = dice(9)
  let connections = 0
  cutter.next = () => (connections++ < 12 ? { up: 2_000 + random(1_000_000) } : undefined)
  const parts = [
    file.subarray(0, 5_000_000),
    file.subarray(5_000_000, 9_000_000),
    file.subarray(9_000_000, 15_000_000),
  ]
  const ids = await Promise.all(parts.map((from) => upload(cutter.url, { from })))
  expect(cutter.cuts).toBeGreaterThan(5)
  expect(ids.map(saved)).toEqual(parts.map(sha256))
  await nothingLeft(...ids)
})

test('one upload in three parts is refused by a store that cannot join them, and leaves nothing', async () => {
  const failed = upload(`http://127.0.0.1:${port}`, { parallelUploads: 3, retryDelays: null })
  await expect(failed).rejects.toThrow(/response code: 501/)
  await nothingLeft()
})

test('one that is called off in the middle is gone', async () => {
  const url = `http://127.0.0.1:${port}/files/`
  const uploading = new Upload(file, { endpoint: url, chunkSize: 1_000_000, ...patient })
  const half = new Promise<void>((resolve) => {
    uploading.options.onChunkComplete = (_chunk, bytes) => {
      if (bytes >= 5_000_000) resolve()
    }
  })
  uploading.start()
  await half
  await uploading.abort(true)
  await expect.poll(() => readdirSync(folder), { interval: 5 }).toEqual([])
  await nothingLeft()
})
