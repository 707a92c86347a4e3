import { ask } from '../../clients.mjs'
import { nginx } from '../../nginx.mjs'
import { makeSmall, plain } from '../content.mjs'

export { missing } from '../../clients.mjs'

const file = (name) => new URL(name, import.meta.url)

await makeSmall()

/** For the reader: ours when it keeps nothing in memory, and nginx. */
export const others = {
  'without memory': file('disk.mjs'),
  ...(nginx && { nginx: file('../nginx.mjs') }),
}

export const peak = true

/** 64 keep-alive connections, each of which asks for 200 files of 1 KiB in turn. */
export const load = (port) => ask(port, plain, { connections: 64, requests: 32_000 })
