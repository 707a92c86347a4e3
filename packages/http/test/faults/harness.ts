import process from 'node:process'

import { afterEach, beforeEach, expect } from 'vitest'

import type { HttpListener } from '../../src/index.ts'
import { emptied, quiet } from '../server/ways.ts'

/** What nobody may be left with: what is thrown or rejected past everybody fails the test in which it happens. */
export function watchStrays(): void {
  const strays: unknown[] = []
  const note = (error: unknown): void => void strays.push(error)
  beforeEach(() => {
    strays.length = 0
    process.on('unhandledRejection', note).on('uncaughtException', note)
  })
  afterEach(async () => {
    await quiet()
    process.off('unhandledRejection', note).off('uncaughtException', note)
    // How many, since some of what is thrown cannot be shown.
    expect(strays.map((stray) => (stray instanceof Error ? stray.message : typeof stray))).toEqual([])
  })
}

/** Nobody is connected, nothing is under way, and every request was either answered or counted as aborted. */
export async function settled(server: HttpListener): Promise<void> {
  await emptied(server)
  await quiet()
  const { active, requests, answers, aborted, refused, upgrades, connections } = server.stats()
  expect(active).toBe(0)
  const final = answers['2xx'] + answers['3xx'] + answers['4xx'] + answers['5xx']
  // An answer that was cut counts twice: as one that was begun, and as one that its client did not get.
  expect(final + aborted + upgrades).toBeGreaterThanOrEqual(requests)
  const own = Object.values(refused).reduce((sum, count) => sum + count, 0)
  expect(final).toBeGreaterThanOrEqual(own)
  if (connections) expect(connections).toMatchObject({ open: 0, pending: 0 })
}

/** A body in chunks, each of `size` bytes. */
export function chunked(body: string, size = body.length): string {
  let text = ''
  for (let at = 0; at < body.length; at += size) {
    const data = body.slice(at, at + size)
    text += `${data.length.toString(16)}\r\n${data}\r\n`
  }
  return `${text}0\r\n\r\n`
}

export const never = new Promise<never>(() => {})
