import { bun } from '../bun.mjs'
import { ask, hello } from '../clients.mjs'

const file = (name) => new URL(name, import.meta.url)

/** For the reader: what no server on `node:net` goes below, and what is used instead of `node:http`. */
export const others = {
  floor: file('floor.mjs'),
  Fastify: file('fastify.mjs'),
  'Hono on node-server': file('hono.mjs'),
  ...(bun.path && { 'Bun.serve': { file: file('bun.mjs'), execPath: bun.path } }),
}

/** 64 keep-alive connections, one request at a time on each. */
export const load = (port) => ask(port, [hello], { connections: 64, requests: 32_000 })
