// Downloads or uploads `size` bytes, in one of several ways, and says in JSON by how much the process grew at its
// largest, and how long it took.

import { setTimeout as after } from 'node:timers/promises'

import { Client } from '@fairlead/http'

const [port, way, given, file] = process.argv.slice(2)
const mebibyte = 1024 * 1024
const period = 251
const piece = Uint8Array.from({ length: period * 512 }, (_, at) => at % period)
const client = new Client({ base: `http://127.0.0.1:${port}/` })

/** Looks at the first and the last byte of what comes, and counts. */
class Sink {
  size = 0

  take(chunk) {
    const last = this.size + chunk.byteLength - 1
    if (chunk[0] !== this.size % period || chunk.at(-1) !== last % period) throw new Error(`wrong at ${last}`)
    this.size += chunk.byteLength
  }
}

async function iterate(chunks) {
  const sink = new Sink()
  for await (const chunk of chunks) sink.take(chunk)
  return sink.size
}

function handle(body, rests = false) {
  return new Promise((resolve, reject) => {
    const sink = new Sink()
    body.handle({
      onData(chunk) {
        sink.take(chunk)
        if (!rests || sink.size < 8 * mebibyte) return
        rests = false
        body.pause()
        void silence().then(() => body.resume())
      },
      onEnd: () => resolve(sink.size),
      onClose: ({ error }) => reject(error),
    })
  })
}

/** Resolves when nothing has come for a while. */
async function silence() {
  for (let before = -1; before !== client.stats().bytesIn;) {
    before = client.stats().bytesIn
    await after(100)
  }
}

async function* pieces(size) {
  for (let sent = 0; sent < size; sent += piece.byteLength) yield piece.subarray(0, size - sent)
}

const upload = async (path, body) =>
  Number(await (await client.request(path, { method: 'PUT', body })).text())

const ways = {
  iterated: async (size) => iterate(await client.request(`/${size}`)),
  handled: async (size) => handle((await client.request(`/${size}`)).body),
  fetched: async (size) => iterate((await client.fetch(`http://127.0.0.1:${port}/${size}`)).body),
  slowly: async (size) => handle((await client.request(`/${size}`)).body, true),
  pieces: (size) => upload('/', pieces(size)),
  file: (size) => upload('/zeros', { file, end: size }),
  waited: (size) => upload('/slowly', pieces(size)),
}

const size = Number(given)
// What it takes to do it at all.
await ways[way](32 * mebibyte)
const before = process.memoryUsage.rss()
const began = performance.now()
const passed = await ways[way](size)
const milliseconds = Math.round(performance.now() - began)
const grown = Math.round((process.resourceUsage().maxRSS * 1024 - before) / mebibyte)
const { retries, failed, active } = client.stats()
await client.close()
console.log(JSON.stringify({ passed, grown, milliseconds, retries, failed, active }))
