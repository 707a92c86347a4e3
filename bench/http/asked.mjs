// The measured side where it is the client: it does what the load tells it over a connection, and how long it took.

import { createServer } from 'node:net'

import { ready } from '../server.mjs'

/** Does each job: `work(job)` resolves with what there is to tell of it, beside the seconds. */
export function working(work) {
  const perform = async (job, connection) => {
    const began = performance.now()
    const told = await work(job)
    connection.end(JSON.stringify({ seconds: (performance.now() - began) / 1000, ...told }))
  }
  const control = createServer((connection) => {
    connection.once('data', (text) => void perform(JSON.parse(text), connection))
  })
  control.listen(0, '127.0.0.1', () => ready(control.address().port))
}

/** Asks in loops for as long as a job says; `client(connections)` makes what resolves with the document at a URL. */
export function asking(client) {
  let get
  working(async ({ url, connections, milliseconds }) => {
    get ??= client(connections)
    const document = await get(url)
    if (document.name !== 'fairlead') throw new Error('not the document')
    let units = 0
    let over = false
    const began = performance.now()
    setTimeout(() => (over = true), milliseconds)
    const ask = async () => {
      for (; !over; units++) await get(url)
    }
    await Promise.all(Array.from({ length: connections }, ask))
    return { units, seconds: (performance.now() - began) / 1000 }
  })
}

/** A body of so many MiB, 64 KiB at a time. */
export async function* pieces(mebibytes) {
  const piece = Buffer.alloc(64 * 1024, 'x')
  for (let left = mebibytes * 16; left > 0; left--) yield piece
}
