import assert from 'node:assert/strict'
import { once } from 'node:events'

import { BrokenError, type ByteConnection, splice } from '@fairlead/core'
import { toDuplex } from '@fairlead/core/node'
import { toWeb } from '@fairlead/core/web'
import { lend, unwrap } from '@fairlead/tcp/node'

import { feature, type Feature } from '../check.ts'
import { loopbackIdentity } from '../fixtures/identity.ts'
import { soon, until } from '../wait.ts'
import { meet, read } from './meeting.ts'

const piece = new Uint8Array(64 * 1024)
const pieces = 64
const size = pieces * piece.byteLength

/** Says everything again, and ends behind the peer's end. */
async function echo(connection: ByteConnection): Promise<void> {
  for await (const chunk of connection) await connection.send(chunk)
  connection.end()
}

/** Sends {@link size} bytes, each piece when there is room, and ends. */
async function pour(send: (data: Uint8Array) => unknown, end: () => unknown): Promise<void> {
  for (let sent = 0; sent < pieces; sent++) await send(piece)
  await end()
}

async function lengthOf(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0
  for await (const chunk of chunks) length += chunk.byteLength
  return length
}

export const joiningFeatures: readonly Feature[] = [
  feature('a splice carries everything both ways, and the ends behind it', async (broom) => {
    const near = await meet(broom)
    const far = await meet(broom)
    const spliced = splice(near.server, far.client)
    const pouring = pour(
      (data) => near.client.send(data),
      () => near.client.end(),
    )
    const everything = Promise.all([lengthOf(near.client), spliced, pouring, echo(far.server)])
    const [heard, { forward, backward, reason }] = await soon(everything, 'everything comes back')
    assert.deepEqual([heard, forward, backward], [size, size, size])
    assert.deepEqual(reason, { kind: 'remote' })
  }),

  feature('a reset on one side of a splice is one on the other', async (broom) => {
    const near = await meet(broom)
    const far = await meet(broom)
    const spliced = splice(near.server, far.client)
    near.client.write('ahoy')
    assert.equal(await read(far.server, 4), 'ahoy')
    near.client.handle({ onData() {} })
    far.server.destroy()
    const reason = await soon(near.client.closed, 'the other peer hears of it')
    assert.ok(reason.kind === 'error' && reason.error instanceof BrokenError, `closed with ${reason.kind}`)
    assert.equal((await soon(spliced, 'it is over')).reason.kind, 'error')
  }),

  feature('toWeb gives the streams of the web', async (broom) => {
    const { client, server } = await meet(broom)
    const { readable, writable } = toWeb(client)
    const writer = writable.getWriter()
    const pouring = pour(
      (data) => writer.write(data),
      () => writer.close(),
    )
    const chunks = readable as AsyncIterable<Uint8Array>
    const [heard] = await soon(
      Promise.all([lengthOf(chunks), pouring, echo(server)]),
      'everything comes back',
    )
    assert.equal(heard, size)
    assert.equal((await soon(client.closed, 'it is closed')).kind, 'local')
  }),

  feature('toDuplex gives a stream of Node', async (broom) => {
    const { client, server } = await meet(broom)
    const duplex = toDuplex(client)
    const pouring = pour(
      (data) => duplex.write(data) || once(duplex, 'drain'),
      () => duplex.end(),
    )
    const [heard] = await soon(
      Promise.all([lengthOf(duplex), pouring, echo(server)]),
      'everything comes back',
    )
    assert.equal(heard, size)
    assert.equal((await soon(client.closed, 'it is closed')).kind, 'local')
  }),

  ...(['plain', 'TLS'] as const).map((kind) =>
    feature(`a ${kind} socket can be lent, and be given away`, async (broom) => {
      const tls = await loopbackIdentity()
      const { client, server } = await (kind === 'TLS'
        ? meet(broom, { tls }, { tls: { ca: tls.cert } })
        : meet(broom))
      const lent = lend(client)
      const heard: string[] = []
      lent.on('data', (chunk: Buffer) => void heard.push(chunk.toString('latin1'))).resume()
      await server.send('ahoy')
      await until(() => heard.join('') === 'ahoy', 'the borrower hears it')
      const { socket } = unwrap(server)
      assert.deepEqual(await server.closed, { kind: 'handover' })
      const answer = once(socket.resume(), 'data')
      lent.end('ahoy yourself')
      assert.equal(String((await soon(answer, 'it is answered'))[0]), 'ahoy yourself')
      socket.destroy()
    }),
  ),
]
