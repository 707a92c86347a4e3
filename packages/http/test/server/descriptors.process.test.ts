import { createReadStream, readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { client, emptied, head, until, ways } from './ways.ts'

let folder = ''
let file = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fairlead-'))
  file = join(folder, 'large')
  await writeFile(file, Buffer.alloc(4 * 1024 * 1024, 120))
})

afterAll(() => rm(folder, { recursive: true }))

/** How many descriptors of the file are open. */
function open(): number {
  let count = 0
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`) === file) count++
    } catch {
      // The one of the folder itself is gone.
    }
  }
  return count
}

const bodies: [string, () => AsyncIterable<Uint8Array>][] = [
  ['Node', () => createReadStream(file)],
  ['web', () => Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>],
]

describe.skipIf(process.platform !== 'linux').each(ways)('descriptors over $name', (way) => {
  test.each(bodies)('of a %s stream are freed when the client leaves, 200 times', async (_, body) => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, body()))
    for (let round = 0; round < 10; round++) {
      const connections = await Promise.all(Array.from({ length: 20 }, () => way.connect(server)))
      for (const connection of connections) connection.write(head('GET / HTTP/1.1'))
      await until(() => server.stats().active === 20)
      if (round % 2 === 0) await until(() => open() === 20)
      for (const connection of connections) connection.destroy()
      await emptied(server)
    }
    await until(() => open() === 0)
    expect(server.stats()).toMatchObject({ requests: 200, active: 0, aborted: 200 })
  })

  test.each(bodies)('of a %s stream are freed when nobody gets it', async (_, body) => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, body()))
    const peer = await client(way, server)
    peer.write(head('HEAD / HTTP/1.1', 'Connection: close'))
    expect(await peer.allReplies('HEAD')).toMatchObject([{ status: 200, body: '' }])
    await until(() => open() === 0)
  })

  test.each(bodies)('and a %s stream arrives whole', async (_, body) => {
    await using server = await way.listen((exchange) =>
      exchange.respond(200, { 'Content-Length': 4 * 1024 * 1024 }, body()),
    )
    const connection = await way.connect(server)
    connection.write(head('GET / HTTP/1.1', 'Connection: close'))
    let size = 0
    let text = ''
    for await (const chunk of connection) {
      size += chunk.byteLength
      if (text === '') text = Buffer.from(chunk).toString('latin1')
    }
    expect(size - text.indexOf('\r\n\r\n') - 4).toBe(4 * 1024 * 1024)
    await connection.close()
    await until(() => open() === 0)
  })
})
