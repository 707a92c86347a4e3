import { readdir, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'

import { chromiumPath, useBrowser } from './browser.ts'
import { hasProc } from './process.ts'
import { Program } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'
import { webm } from './video-webm.ts'

const folder = useTemporaryFolder()
const visits = useBrowser()
const at = (name: string): string => join(folder.path, name)

/** The server, in a process of its own. */
async function start(): Promise<Server> {
  const path = fileURLToPath(new URL('video-server.mjs', import.meta.url))
  const program = Program.start(process.execPath, [path, folder.path])
  const [, port] = await program.prints(/^listening on .*:(\d+)$/m)
  return new Server(program, `http://127.0.0.1:${port}/`)
}

class Server {
  readonly url: string
  readonly #program: Program

  constructor(program: Program, url: string) {
    this.#program = program
    this.url = url
  }

  /** Of each answer with a part of this file: which byte it began with. */
  starts(path: string): number[] {
    const starts: number[] = []
    for (const line of this.#program.stdout.split('\n')) {
      if (!line.startsWith(`["${path}",206,`)) continue
      const [, , range, contentRange] = JSON.parse(line) as [string, number, string, string]
      const [, start] = /^bytes (\d+)-\d+\/\d+$/.exec(contentRange) ?? []
      // It gives what was asked for.
      expect(range).toMatch(new RegExp(`^bytes=${start}-`))
      starts.push(Number(start))
    }
    return starts
  }

  /** How many files of the folder it has open. */
  async openFiles(): Promise<number> {
    const descriptors = `/proc/${this.#program.child.pid}/fd`
    const names = await readdir(descriptors)
    const paths = await Promise.all(names.map((name) => readlink(join(descriptors, name)).catch(() => '')))
    return paths.filter((path) => path.startsWith(`${folder.path}/`)).length
  }
}

const html = (media: string): string =>
  `<!doctype html><link rel="icon" href="data:,"><title>${media}</title>${media}`

const [width, height] = [480, 360]

/**
 * Frames that the browser itself makes: noise, which cannot be made smaller, but for a square whose grey tells which of
 * them it is.
 */
async function makeFrames(page: Page, count: number): Promise<Buffer[]> {
  const frames = await page.evaluate<string[]>(`(async () => {
    const [width, height, count] = [${width}, ${height}, ${count}]
    const chunks = []
    const encoder = new VideoEncoder({ output: (chunk) => chunks.push(chunk), error: (error) => { throw error } })
    encoder.configure({ codec: 'vp8', width, height, bitrate: 100_000_000, framerate: 5, latencyMode: 'realtime' })
    for (let at = 0; at < count; at++) {
      const pixels = new Uint8Array(width * height * 3 / 2)
      for (let from = 0; from < pixels.length; from += 65536) crypto.getRandomValues(pixels.subarray(from, from + 65536))
      for (let row = 0; row < 64; row++) pixels.fill(40 + 20 * at, row * width, row * width + 64)
      // No colour, so that grey stays grey.
      pixels.fill(128, width * height)
      const frame = new VideoFrame(pixels, { format: 'I420', codedWidth: width, codedHeight: height, timestamp: at * 200_000 })
      encoder.encode(frame, { keyFrame: true })
      frame.close()
    }
    await encoder.flush()
    return chunks.map((chunk) => {
      const bytes = new Uint8Array(chunk.byteLength)
      chunk.copyTo(bytes)
      let text = ''
      for (let from = 0; from < bytes.length; from += 8192) text += String.fromCharCode(...bytes.subarray(from, from + 8192))
      return btoa(text)
    })
  })()`)
  return frames.map((frame) => Buffer.from(frame, 'base64'))
}

/** Resolves once the player is at this time, and has what it plays there. */
function seek(page: Page, seconds: number): Promise<{ time: number; ready: boolean }> {
  return page.evaluate(`new Promise((resolve, reject) => {
    const media = document.querySelector('video, audio')
    media.onerror = () => reject(new Error(media.error.message))
    media.onseeked = () => resolve({ time: media.currentTime, ready: media.readyState >= 2 })
    media.currentTime = ${seconds}
  })`)
}

/** The grey of the square in the picture that is shown. */
function shownFrame(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = new OffscreenCanvas(${width}, ${height}).getContext('2d')
    canvas.drawImage(document.querySelector('video'), 0, 0)
    const [grey] = canvas.getImageData(32, 32, 1, 1).data
    // In video, black is 16 and white 235.
    return Math.round((grey * 219 / 255 + 16 - 40) / 20)
  })()`)
}

const loaded = (page: Page): Promise<number> =>
  page.evaluate(`new Promise((resolve, reject) => {
    const media = document.querySelector('video, audio')
    media.onerror = () => reject(new Error(media.error.message))
    if (media.readyState > 0) resolve(media.duration)
    else media.onloadedmetadata = () => resolve(media.duration)
  })`)

describe.skipIf(!chromiumPath)('a browser that plays what is served', () => {
  test('seeks in a video of which it has not all, there and back', async () => {
    const server = await start()
    const { page } = await visits.blank()
    await writeFile(at('empty.html'), html(''))
    await page.goto(`${server.url}empty.html`)
    const made = await makeFrames(page, 8)
    const count = Math.ceil(40_000_000 / Buffer.concat(made).length) * made.length
    const frames = Array.from({ length: count }, (_, index) => made[index % made.length]!)
    const film = webm({ width, height, frameTime: 200, frames })
    await writeFile(at('film.webm'), film)
    await writeFile(at('video.html'), html('<video src="film.webm" preload="auto" muted></video>'))

    await page.goto(`${server.url}video.html`)
    const duration = await loaded(page)
    expect(duration).toBeCloseTo(count * 0.2)
    for (const part of [0.9, 0.1, 0.95, 0.5, 0]) {
      // In the middle of a frame.
      const index = Math.floor(count * part)
      const time = index * 0.2 + 0.1
      expect([part, await seek(page, time)]).toEqual([part, { time: expect.closeTo(time, 3), ready: true }])
      expect([part, await shownFrame(page)]).toEqual([part, index % made.length])
    }
    const starts = server.starts('/film.webm')
    const within = (from: number, to: number) =>
      starts.some((start) => start >= from * film.length && start < to * film.length)
    // The index at the end, and what it told of.
    expect([within(0.99, 1), within(0.85, 0.91)]).toEqual([true, true])
    if (!hasProc) return
    // What it has no use for any more it lets go of.
    await expect.poll(() => server.openFiles(), { interval: 20 }).toBeLessThanOrEqual(1)
    await page.goto('about:blank')
    await expect.poll(() => server.openFiles(), { interval: 20 }).toBe(0)
  })

  test('seeks in an audio file', async () => {
    const server = await start()
    const sound = wav(120)
    await writeFile(at('sound.wav'), sound)
    await writeFile(at('audio.html'), html('<audio src="sound.wav" preload="auto" muted></audio>'))
    const { page } = await visits.blank()
    await page.goto(`${server.url}audio.html`)
    expect(await loaded(page)).toBeCloseTo(120)
    for (const time of [108, 12, 60]) {
      expect(await seek(page, time)).toEqual({ time: expect.closeTo(time, 3), ready: true })
    }
    const starts = server.starts('/sound.wav')
    expect(starts.some((start) => Math.abs(start / sound.length - 0.9) < 0.02)).toBe(true)
    await page.goto('about:blank')
    if (hasProc) await expect.poll(() => server.openFiles(), { interval: 20 }).toBe(0)
  })
})

/** So many seconds of silence, as a CD has it. */
function wav(seconds: number): Buffer {
  const [rate, channels, bytes] = [44_100, 2, 2]
  const size = seconds * rate * channels * bytes
  const file = Buffer.alloc(44 + size)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + size, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(channels, 22)
  file.writeUInt32LE(rate, 24)
  file.writeUInt32LE(rate * channels * bytes, 28)
  file.writeUInt16LE(channels * bytes, 32)
  file.writeUInt16LE(8 * bytes, 34)
  file.write('data', 36)
  file.writeUInt32LE(size, 40)
  return file
}
