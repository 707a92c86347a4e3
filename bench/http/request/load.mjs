import { asking } from '../servers.mjs'

export { missing } from '../servers.mjs'

const file = (name) => new URL(name, import.meta.url)

/** For the reader: what else is used to ask, and what no client on `node:net` goes below. */
export const others = {
  floor: file('floor.mjs'),
  'node:http': file('node.mjs'),
  'undici.fetch': file('../fetch/undici.mjs'),
  'global fetch': file('../fetch/peer.mjs'),
}

/** One connection, one request at a time. */
export const load = asking(1)
