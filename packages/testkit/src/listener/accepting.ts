import assert from 'node:assert/strict'

import { BusyError } from '@fairlead/core'
import { defaultAcceptBacklog } from '@fairlead/core/transport'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import type { Recording } from '../recording.ts'
import type { Stage } from '../stage.ts'
import { quiet, settled, soon, turn, until } from '../wait.ts'

/** An accept callback that keeps what it was given. */
class Door {
  readonly accepted: Peer[] = []

  /** The connection accepted last, once there are `count`. */
  async opened(count = 1): Promise<Peer> {
    await until(() => this.accepted.length >= count, 'the connection is accepted')
    return this.accepted.at(-1) as Peer
  }
}

/** A handler that answers each text with itself. */
function echo(stage: Stage, connection: Peer): { onData(data: unknown): void } {
  const reader = stage.reader()
  return {
    onData(data) {
      for (const text of reader.push(data)) connection.write(stage.encode(text))
    },
  }
}

async function answered(stage: Stage, client: Peer, heard: Recording = stage.record(client)): Promise<void> {
  client.write(stage.encode('hello'))
  await until(() => heard.texts.includes('hello'), 'the connection is answered')
}

export const acceptingChecks: readonly Check[] = [
  check('accept may return a handler', async (stage) => {
    await stage.listen((connection) => echo(stage, connection))
    await answered(stage, await stage.connect())
  }),

  check(
    'accept may return a promise of a handler, and nothing that came meanwhile is lost',
    async (stage) => {
      const door = new Door()
      let admit = (): void => {}
      await stage.listen(async (connection) => {
        door.accepted.push(connection)
        await new Promise<void>((resolve) => (admit = resolve))
        return echo(stage, connection)
      })
      const client = await stage.connect()
      const heard = stage.record(client)
      stage.write(client, ['early'])
      await door.opened()
      await quiet()
      assert.deepEqual(heard.texts, [])
      admit()
      await until(() => heard.texts.includes('early'), 'the early text is answered')
    },
  ),

  check('accept may return nothing and handle the connection, then or later', async (stage) => {
    const door = new Door()
    await stage.listen((connection) => {
      door.accepted.push(connection)
      if (door.accepted.length === 1) connection.handle(echo(stage, connection))
    })
    await answered(stage, await stage.connect())
    const client = await stage.connect()
    const late = await door.opened(2)
    await quiet()
    assert.equal(late.state, 'open')
    late.handle(echo(stage, late))
    await answered(stage, client)
  }),

  check('a promise of nothing closes a connection that nobody reads, politely', async (stage) => {
    const door = new Door()
    await stage.listen(async (connection) => {
      door.accepted.push(connection)
      await turn()
      connection.write(stage.encode('bye'))
    })
    const client = await stage.connect()
    const heard = stage.record(client)
    const server = await door.opened()
    assert.equal((await soon(server.closed, 'it is closed')).kind, 'local')
    await until(() => heard.texts.includes('bye'), 'what was written arrives')
    if (stage.can.ends) assert.equal((await soon(client.closed, 'the peer hears')).kind, 'remote')
  }),

  check('a promise of nothing leaves a connection alone that somebody reads', async (stage) => {
    const door = new Door()
    await stage.listen(async (connection) => {
      door.accepted.push(connection)
      connection.handle(echo(stage, connection))
      await turn()
    })
    const client = await stage.connect()
    const server = await door.opened()
    await quiet()
    assert.equal(server.state, 'open')
    await answered(stage, client)
  }),

  check('an accept that is a whole conversation closes the connection at its end', async (stage) => {
    const door = new Door()
    await stage.listen(async (connection) => {
      door.accepted.push(connection)
      const reader = stage.reader()
      for await (const data of connection) {
        for (const text of reader.push(data)) {
          if (text === 'quit') return
          await connection.send(stage.encode(text))
        }
      }
    })
    const client = await stage.connect()
    await answered(stage, client)
    const server = await door.opened()
    assert.equal(server.state, 'open')
    stage.write(client, ['quit'])
    assert.equal((await soon(server.closed, 'it is closed')).kind, 'local')
  }),

  check('is iterated: each connection once, in order, also those that came before', async (stage) => {
    const listener = await stage.listen()
    const texts: string[] = []
    const clients = [await stage.connect(), await stage.connect(), await stage.connect()]
    clients.forEach((client, index) => stage.write(client, [stage.text(index)]))
    const served = new Set<Peer>()
    for await (const connection of listener) {
      served.add(connection)
      texts.push(...(await soon(stage.read(connection, 1), 'its text is read')))
      if (served.size === 2) break
    }
    const iterator = listener[Symbol.asyncIterator]()
    const third = await soon(iterator.next(), 'break kept the third')
    assert.equal(third.done, false)
    served.add(third.value)
    texts.push(...(await stage.read(third.value, 1)))
    assert.deepEqual(texts, stage.texts(0, 3))
    assert.deepEqual(new Set(listener.connections), served)

    const waiting = iterator.next()
    assert.equal(await settled(waiting), false, 'a connection came that nobody made')
    assert.throws(() => listener[Symbol.asyncIterator](), BusyError)
    await soon(listener.close({ grace: 0 }), 'it closes')
    assert.deepEqual(await soon(waiting, 'the iteration ends'), { value: undefined, done: true })
  }),

  check('keeps a bounded number of connections that nobody takes', async (stage) => {
    const listener = await stage.listen()
    for (let index = 0; index < defaultAcceptBacklog + 40; index++) {
      // Those beyond may be reset before they know that they are connected.
      const client = await stage.connect().catch(() => undefined)
      if (client) stage.record(client)
      if (index % 20 === 0) await quiet()
    }
    await until(() => listener.connections.size >= defaultAcceptBacklog, 'the queue is full')
    await quiet()
    assert.equal(listener.connections.size, defaultAcceptBacklog)
    for await (const connection of listener) {
      assert.equal(connection.state, 'open')
      break
    }
  }),

  check('knows its address, and that it accepts', async (stage) => {
    const listener = await stage.listen(() => {})
    assert.equal(listener.accepting, true)
    assert.equal(listener.state, 'open')
    assert.equal(listener.connections.size, 0)
    assert.notEqual(listener.address.kind === 'ip' ? listener.address.port : 1, 0)
  }),
]
