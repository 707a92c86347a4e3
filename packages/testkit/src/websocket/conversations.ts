import assert from 'node:assert/strict'

import { feature, type Feature } from '../check.ts'
import { quiet, soon, until } from '../wait.ts'
import { carried, type Connection, echo, endOf, frame, hear, meet, open, opcodes, wireUp } from './meeting.ts'

const piece = 'x'.repeat(16 * 1024)

/** Writes until there is no more room, and says how much went. */
async function fill(connection: Connection): Promise<number> {
  let written = 0
  for (let still = 0; still < 5 && written < 4_096;) {
    if (connection.buffered > 64 * 1024) {
      still++
      await quiet()
    } else {
      still = 0
      connection.write(piece)
      written++
    }
  }
  return written
}

export const conversationFeatures: readonly Feature[] = [
  feature('text is text and bytes are bytes, at both ends', async (broom) => {
    const { client, server } = await meet(broom)
    const heard: unknown[] = []
    client.handle({ onData: (message) => void heard.push(message) })
    void echo(server)
    const messages = ['ahoy ⚓', '', 'x'.repeat(70_000)]
    for (const text of messages) {
      client.write(text)
      client.write(Buffer.from(text))
    }
    await until(() => heard.length === 6, 'all come back')
    for (const [at, text] of messages.entries()) {
      assert.equal(heard[2 * at], text)
      const bytes = heard[2 * at + 1]
      assert.ok(bytes instanceof Uint8Array)
      assert.ok(Buffer.from(text).equals(bytes))
    }
  }),

  ...(['client', 'server'] as const).map((side) =>
    feature(`the code and the text of a ${side} that closes are the reason of the other`, async (broom) => {
      const meeting = await meet(broom)
      const [closing, closed] =
        side === 'client' ? [meeting.client, meeting.server] : [meeting.server, meeting.client]
      const heard = hear(closed)
      closing.write('first')
      await soon(closing.close({ code: 4_001, text: 'enough ⚓' }), 'it is closed')
      const reason = { code: 4_001, text: 'enough ⚓' }
      assert.deepEqual(await closing.closed, { kind: 'local', ...reason })
      assert.deepEqual(await endOf(closed), { kind: 'remote', ...reason })
      assert.deepEqual(heard, ['first'])
    }),
  ),

  feature('a listener that closes says so: 1001, or what it was told', async (broom) => {
    for (const [options, code] of [
      [{}, 1001],
      [{ code: 1012, text: 'again soon' }, 1012],
    ] as const) {
      const { listener, client } = await meet(broom)
      hear(client)
      await soon(listener.close(options), 'it closes')
      const { text } = { text: undefined, ...options }
      assert.deepEqual(await client.closed, { kind: 'remote', code, ...(text !== undefined && { text }) })
    }
  }),

  feature('an error at one end is 1011 at the other, and a cut is no end', async (broom) => {
    const failing = await meet(broom)
    hear(failing.client)
    failing.server.handle({
      onData() {
        throw new Error('aground')
      },
    })
    failing.client.write('ahoy')
    assert.deepEqual(await endOf(failing.client), { kind: 'remote', code: 1011 })
    const cut = await meet(broom)
    hear(cut.client)
    cut.server.destroy()
    assert.deepEqual(await endOf(cut.client), { kind: 'error', name: 'BrokenError' })
  }),

  feature('a peer that vanishes without a Close frame broke the connection', async (broom) => {
    const raw = await wireUp(broom, await open(broom))
    const heard = hear(raw.server)
    raw.write(frame(opcodes.text, 'ahoy'))
    raw.wire.connection.end()
    assert.deepEqual(await endOf(raw.server), { kind: 'error', name: 'BrokenError' })
    assert.deepEqual(heard, ['ahoy'])
  }),

  feature('a ping is answered, and its time is known', async (broom) => {
    const { client, server } = await meet(broom)
    hear(client)
    hear(server)
    for (const [one, name] of [
      [client, 'the client'],
      [server, 'the server'],
    ] as const) {
      assert.equal(one.roundTrip, undefined, name)
      const took = await soon(one.ping(), `${name} is answered`)
      assert.ok(took >= 0)
      assert.equal(one.roundTrip, took)
    }
  }),

  feature('hearts beat at both ends', async (broom) => {
    const heartbeat = { interval: 10, timeout: 5_000 }
    const { client, server } = await meet(broom, { heartbeat }, { heartbeat })
    hear(client)
    hear(server)
    await until(() => client.roundTrip !== undefined, 'the server answered')
    await until(() => server.roundTrip !== undefined, 'the client answered')
    assert.deepEqual([client.state, server.state], ['open', 'open'])
  }),

  feature('a peer that answers no ping is given up', async (broom) => {
    const raw = await wireUp(broom, await open(broom, { heartbeat: { interval: 10, timeout: 20 } }))
    hear(raw.server)
    assert.deepEqual(await endOf(raw.server), { kind: 'timeout', phase: 'idle' })
    assert.equal(raw.frames[0]?.opcode, opcodes.ping)
    await raw.wire.toEnd()
  }),

  ...(['client', 'server'] as const).map((side) =>
    feature(`a ${side} that pauses stops reading its socket`, async (broom) => {
      const meeting = await meet(broom)
      const [writing, reading] =
        side === 'client' ? [meeting.server, meeting.client] : [meeting.client, meeting.server]
      const heard = hear(reading)
      reading.pause()
      const written = await fill(writing)
      await quiet()
      const { bytesIn } = carried(reading)
      await quiet()
      assert.deepEqual([heard.length, carried(reading).bytesIn - bytesIn], [0, 0])
      assert.ok(bytesIn < (written * piece.length) / 2, `${bytesIn} bytes were read`)
      reading.resume()
      await until(() => heard.length === written, 'all are heard')
    }),
  ),

  feature('a pong finds its place between messages that wait', async (broom) => {
    const raw = await wireUp(broom, await open(broom))
    hear(raw.server)
    raw.wire.connection.pause()
    const pings = 20
    const written = await fill(raw.server)
    for (let count = 0; count < pings; count++) {
      raw.write(frame(opcodes.ping, `${count}`))
      await quiet()
      raw.server.write(`${count}`)
    }
    raw.wire.connection.resume()
    await until(() => raw.frames.length === written + 2 * pings, 'all come')
    const { frames } = raw
    const named = (wanted: number): string[] =>
      frames.filter(({ opcode, text }) => opcode === wanted && text !== piece).map(({ text }) => text)
    const all = Array.from({ length: pings }, (_, at) => `${at}`)
    assert.deepEqual([named(opcodes.text), named(opcodes.pong)], [all, all])
  }),

  feature('what is counted is what the socket took', async (broom) => {
    const { client, server } = await meet(broom)
    hear(server)
    const [out, before] = [carried(client).bytesOut, carried(server).bytesIn]
    await client.send('x'.repeat(1_000))
    // A header of four bytes, and a mask.
    await until(() => carried(server).bytesIn - before === 1_008, 'all came in')
    await until(() => carried(client).bytesOut - out === 1_008, 'all went out')
  }),
]
