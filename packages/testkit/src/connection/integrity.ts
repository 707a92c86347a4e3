import assert from 'node:assert/strict'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import type { Stage } from '../stage.ts'
import { quiet, soon, until } from '../wait.ts'

/** Texts of the other direction have other numbers, so that an echo is never taken for the real thing. */
const opposite = 1_000_000

export const integrityChecks: readonly Check[] = [
  check('carries a large volume both ways at once, whole and in order', async (stage) => {
    const { client, server } = await stage.pair()
    if (!stage.can.reliable) return repeatUntilHeard(stage, client, server)
    await Promise.all([
      pour(stage, client, 0),
      pour(stage, server, opposite),
      iterate(stage, client, opposite),
      handle(stage, server, 0),
    ])
  }),

  check('carries texts of every length from none up, sent in one burst', async (stage) => {
    const { client, server } = await stage.pair()
    const count = stage.can.reliable ? 300 : 30
    const texts = ['', ...Array.from({ length: count }, (_, length) => stage.text(length, length)), '']
    stage.write(client, texts)
    const heard = stage.record(server)
    await until(() => heard.texts.length >= texts.length, 'all texts arrive')
    assert.deepEqual(heard.texts, texts)
  }),

  check('gives each receiver its own bytes', async (stage) => {
    const { client, server } = await stage.pair()
    const first: string[] = []
    const reader = stage.reader()
    const spoil = (data: unknown): void => {
      first.push(...reader.push(data))
      if (data instanceof Uint8Array) data.fill(0)
    }
    const message = stage.encode(stage.text(1))
    server.handle({ onData: spoil })
    client.write(message)
    await until(() => first.length === 1, 'the first text arrives')
    client.write(message)
    await until(() => first.length === 2, 'the second text arrives')
    assert.deepEqual(first, [stage.text(1), stage.text(1)])
  }),

  check('leaves bytes alone that it has delivered', async (stage) => {
    const { client, server } = await stage.pair()
    const pieces: unknown[] = []
    server.handle({ onData: (data) => void pieces.push(data) })
    for (let index = 0; index < 20; index++) {
      client.write(stage.encode(stage.text(index)))
      await quiet()
    }
    const heard = (): string[] => {
      const reader = stage.reader()
      return pieces.flatMap((data) => reader.push(data))
    }
    await until(() => heard().length === 20, 'all arrive')
    assert.deepEqual(heard(), stage.texts(0, 20))
  }),

  check('names both ends, each by what the other sees', async (stage) => {
    const { listener, client, server } = await stage.pair()
    assert.deepEqual(server.localAddress, listener.address)
    const facing = [client.remoteAddress, client.localAddress]
    const faced = [server.localAddress, server.remoteAddress]
    if (stage.can.direct) assert.deepEqual(facing, faced)
    else assert.notDeepEqual(facing, faced)
  }),
]

async function pour(stage: Stage, connection: Peer, first: number): Promise<void> {
  const { count, size } = stage.fixture.volume
  for (let index = 0; index < count; index++) {
    await connection.send(stage.encode(stage.text(first + index, size)))
  }
}

/** Compares what arrives with what was sent, text by text. */
class Comparison {
  readonly #stage: Stage
  readonly #first: number
  #next = 0

  constructor(stage: Stage, first: number) {
    this.#stage = stage
    this.#first = first
  }

  /** Whether that was all. */
  take(texts: readonly string[]): boolean {
    const { count, size } = this.#stage.fixture.volume
    for (const text of texts) {
      // No deepEqual: its report of two texts of this size would take minutes.
      const same = text === this.#stage.text(this.#first + this.#next, size)
      if (!same) assert.fail(`text ${this.#next} of ${count} is not what was sent`)
      this.#next++
    }
    return this.#next === count
  }
}

async function iterate(stage: Stage, connection: Peer, first: number): Promise<void> {
  const comparison = new Comparison(stage, first)
  const reader = stage.reader()
  for await (const data of connection) if (comparison.take(reader.push(data))) return
  assert.fail('the input ended too early')
}

function handle(stage: Stage, connection: Peer, first: number): Promise<void> {
  const comparison = new Comparison(stage, first)
  const reader = stage.reader()
  return new Promise((resolve, reject) => {
    connection.handle({
      onData(data) {
        try {
          if (comparison.take(reader.push(data))) resolve()
        } catch (error) {
          reject(error)
        }
      },
      onClose: () => reject(new Error('the connection closed too early')),
    })
  })
}

/** Where messages may be lost: each is sent until its echo is heard, and what is heard is always whole. */
async function repeatUntilHeard(stage: Stage, client: Peer, server: Peer): Promise<void> {
  const { count, size } = stage.fixture.volume
  const reader = stage.reader()
  server.handle({
    onData(data) {
      for (const text of reader.push(data)) server.write(stage.encode(text))
    },
  })
  const echoes = stage.record(client)
  const sent = new Set<string>()
  for (let index = 0; index < count; index++) {
    const text = stage.text(index, size)
    sent.add(text)
    const heard = until(() => echoes.texts.at(-1) === text, `text ${index} comes back`)
    client.write(stage.encode(text))
    const again = setInterval(() => client.write(stage.encode(text)), 200)
    await soon(heard, 'an echo').finally(() => clearInterval(again))
  }
  for (const text of echoes.texts) assert.ok(sent.has(text), 'a message arrived that nobody sent')
}
