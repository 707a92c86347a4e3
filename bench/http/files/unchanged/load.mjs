import { ask } from '../../clients.mjs'
import { makeSmall, unchanged } from '../content.mjs'

export { missing } from '../../clients.mjs'
export { others, peak } from '../small/load.mjs'

export const servers = new URL('../small/', import.meta.url)

/** The same with tags, which it does not give otherwise. */
export const peer = new URL('peer.mjs', import.meta.url)

await makeSmall()

const requests = new Map()

/** 64 keep-alive connections of clients that have all the files already: each answer is a 304. */
export async function load(port) {
  if (!requests.has(port)) requests.set(port, await unchanged(port))
  return ask(port, requests.get(port), { connections: 64, requests: 32_000 })
}
