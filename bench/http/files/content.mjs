// What is served, and asked for.

import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { request } from '../clients.mjs'
import { folder } from '../temporary.mjs'

const changed = new Date('2024-05-17T10:00:00Z')

/** Milliseconds in which ours takes a file for one that may change again, and gives it another tag than later. */
const fresh = 2_100

const names = Array.from({ length: 200 }, (_, at) => `page-${String(at).padStart(3, '0')}.html`)
const lines = ['Accept: */*', 'User-Agent: bench']

/** Makes 200 files of 1 KiB. */
export async function makeSmall() {
  const made = folder()
  for (const name of names) {
    writeFileSync(join(made, name), `<!doctype html><title>${name}</title>`.padEnd(1_024, '.'))
    utimesSync(join(made, name), changed, changed)
  }
  await setTimeout(fresh)
}

/** A request for each of them. */
export const plain = names.map((name) => request('GET', `/${name}`, lines))

/** The same of somebody who has them already, by the tag that this server gives. */
export function unchanged(port) {
  return Promise.all(
    names.map(async (name) => {
      const { headers } = await fetch(`http://127.0.0.1:${port}/${name}`)
      return request('GET', `/${name}`, [...lines, `If-None-Match: ${headers.get('etag')}`])
    }),
  )
}

/** Makes one file of so many MiB, which nothing can make smaller. */
export function makeLarge(mebibytes) {
  const path = join(folder(), 'large.bin')
  const file = openSync(path, 'w')
  const piece = Buffer.alloc(1024 ** 2)
  for (let left = mebibytes; left > 0; left--) writeSync(file, randomFillSync(piece))
  closeSync(file)
  utimesSync(path, changed, changed)
}
