import assert from 'node:assert/strict'

import { toWebSocketStream, WebSocketError, WebSocketStream } from '@fairlead/ws-bridge/web'

import { feature, type Feature } from '../check.ts'
import { failureOf, quiet, soon, until } from '../wait.ts'
import { meet, open } from './meeting.ts'

export const streamFeatures: readonly Feature[] = [
  feature('a WebSocketStream carries text and bytes both ways', async (broom) => {
    const { accepted, url } = await open(broom, { protocols: ['chat'] })
    const stream = new WebSocketStream(url, { protocols: ['chat'] })
    const { readable, writable, protocol, extensions } = await soon(stream.opened, 'it is open')
    assert.deepEqual([protocol, extensions, stream.url], ['chat', '', url])
    await until(() => accepted.length === 1, 'it is accepted')
    const far = await toWebSocketStream(accepted[0]!).opened
    // The peer's close is an end for what is read, and an error for what is written.
    const echoed = far.readable.pipeTo(far.writable).catch(() => {})
    const writer = writable.getWriter()
    const reader = readable.getReader()
    for (const chunk of ['ahoy', '', Buffer.from('bytes'), new Uint8Array(200_000)]) {
      await writer.write(chunk)
      const { value } = await soon(reader.read(), 'it comes back')
      assert.equal(typeof value, typeof chunk)
      assert.ok(Buffer.from(value as string).equals(Buffer.from(chunk as string)))
    }
    stream.close({ closeCode: 4_000, reason: 'enough' })
    assert.deepEqual(await soon(stream.closed, 'it is closed'), { closeCode: 4_000, reason: 'enough' })
    assert.equal((await soon(reader.read(), 'the end comes')).done, true)
    await soon(echoed, 'the other end is done')
  }),

  feature('a stream that nobody reads stops the peer', async (broom) => {
    const { client, server } = await meet(broom)
    const { readable } = await toWebSocketStream(server).opened
    const limit = 1_536
    let sent = 0
    const flooding = (async () => {
      for (; sent < limit; sent++) await client.send('x'.repeat(16 * 1024))
    })()
    for (let seen = -1, still = 0; still < 10; still++) {
      if (sent !== seen) still = 0
      seen = sent
      await quiet()
    }
    assert.ok(sent < limit, 'everything was taken')
    let came = 0
    const reader = readable.getReader()
    while (came < limit) if (!(await soon(reader.read(), 'more comes')).done) came++
    await flooding
  }),

  feature('a cut errors both streams with what closed rejects with', async (broom) => {
    const { client, server } = await meet(broom)
    const stream = toWebSocketStream(client)
    const { readable, writable } = await stream.opened
    const reader = readable.getReader()
    const writer = writable.getWriter()
    server.destroy()
    const error = await failureOf(stream.closed, 'the rest')
    assert.ok(error instanceof WebSocketError, String(error))
    assert.equal(error.closeCode, 1006)
    assert.equal(await failureOf(reader.closed, 'reading'), error)
    assert.equal(await failureOf(writer.closed, 'writing'), error)
  }),

  feature('an attempt that fails is told by both promises', async (broom) => {
    const { listener, url } = await open(broom)
    await soon(listener.close(), 'nobody listens')
    const stream = new WebSocketStream(url)
    for (const promise of [stream.opened, stream.closed]) {
      assert.ok((await failureOf(promise, 'the attempt')) instanceof WebSocketError)
    }
  }),
]
