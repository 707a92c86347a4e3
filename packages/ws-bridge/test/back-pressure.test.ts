import { createHash } from 'node:crypto'

import type { MessageConnection } from '@fairlead/core'
import { expect, test } from 'vitest'

import { meet, quiet, read, until, wait } from './harness.ts'

const kibibyte = 'x'.repeat(1_024)

/** Sends until a send has to wait; gives back how many went out. */
async function fill(connection: MessageConnection<string>, message: string): Promise<number> {
  for (let sent = 1; ; sent++) {
    let came = false
    void connection.send(message).then(
      () => (came = true),
      () => {},
    )
    await wait(0)
    for (let turn = 0; turn < 20 && !came; turn++) await wait(2)
    if (!came) return sent
    if (sent * message.length > 64 * 1024 * 1024) throw new Error('nothing stops the sender')
  }
}

test('send waits for a peer that does not read, and what is buffered stays bounded', async () => {
  const { server, client, peer } = await meet()
  const drains: number[] = []
  client.handle({ onData() {}, onDrain: () => void drains.push(client.buffered) })
  const message = kibibyte.repeat(16)
  const sent = await fill(client, message)
  expect(client.buffered).toBeLessThanOrEqual(64 * 1024 + message.length + 64)
  expect(client.buffered).toBeGreaterThan(64 * 1024)
  expect(client.write('one more')).toBe(false)
  expect(drains).toEqual([])
  const drained = client.drained()
  const heard = await read(peer, sent + 1)
  expect(heard.at(-1)).toBe('one more')
  expect(heard.slice(0, -1).every((each) => each === message)).toBe(true)
  await drained
  expect(drains.length).toBe(1)
  expect(client.write('and more')).toBe(true)
  expect(client.drained()).toBe(client.drained())
  await server.close({ grace: 0 })
})

test('aborting the wait for room ends the waiting only', async () => {
  const { server, client } = await meet()
  await fill(client, kibibyte.repeat(256))
  const reason = new Error('enough')
  await expect(client.drained({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(client.state).toBe('open')
  await server.close({ grace: 0 })
})

test('16 MiB go both ways at once and arrive whole', async () => {
  const { server, client, peer } = await meet({ messages: 'binary' })
  const [count, size] = [256, 64 * 1024]
  const pour = async (connection: MessageConnection<Uint8Array>, seed: number): Promise<string> => {
    const hash = createHash('sha256')
    for (let index = 0; index < count; index++) {
      const message = new Uint8Array(size).fill(index * seed)
      message[index] = seed
      hash.update(message)
      await connection.send(message)
    }
    return hash.digest('hex')
  }
  const drink = async (connection: MessageConnection<Uint8Array>): Promise<string> => {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const message of connection) {
      hash.update(message)
      if ((bytes += message.byteLength) === count * size) break
    }
    return hash.digest('hex')
  }
  const [out, back, there, here] = await Promise.all([
    pour(client, 3),
    pour(peer, 7),
    drink(peer),
    drink(client),
  ])
  expect([there, here]).toEqual([out, back])
  await server.close({ grace: 0 })
})

test('pause stops reading on the socket, and resume loses nothing', async () => {
  const { server, client, peer } = await meet()
  const heard: string[] = []
  peer.handle({
    onData(message) {
      heard.push(message)
      if (heard.length === 1) peer.pause()
    },
  })
  const sent = await fill(client, kibibyte.repeat(256))
  const stopped = heard.length
  await quiet()
  expect(heard.length).toBe(stopped)
  peer.resume()
  await until(() => heard.length === sent)
  expect(heard.every((message) => message.length === 262_144)).toBe(true)
  await server.close({ grace: 0 })
})

test('one message at a time may be taken by pausing in each', async () => {
  const { server, client, peer } = await meet()
  const heard: string[] = []
  peer.handle({
    onData(message) {
      heard.push(message)
      peer.pause()
      setTimeout(() => peer.resume(), 1)
    },
  })
  client.cork()
  for (let index = 0; index < 100; index++) void client.send(`${index}`)
  client.uncork()
  await until(() => heard.length === 100)
  expect(heard).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`))
  await server.close({ grace: 0 })
})

test('an iteration that rests holds the sender, and goes on where it was', async () => {
  const { server, client, peer } = await meet()
  const first = await read(peer, 0)
  const iterator = peer[Symbol.asyncIterator]()
  void client.send('0')
  expect(await iterator.next()).toEqual({ value: '0', done: false })
  const sent = await fill(client, kibibyte.repeat(256))
  const rest: string[] = [...first]
  for (let index = 0; index < sent; index++) rest.push((await iterator.next()).value as string)
  expect(rest.length).toBe(sent)
  await server.close({ grace: 0 })
})

test('corked messages leave together, and a close pulls the cork', async () => {
  const { server, client, peer } = await meet()
  const heard: string[] = []
  peer.handle({ onData: (message) => void heard.push(message) })
  client.cork()
  void client.send('a')
  void client.send('b')
  await quiet()
  expect(heard).toEqual([])
  client.uncork()
  await until(() => heard.length === 2)
  client.cork()
  void client.send('c')
  await client.close()
  expect(heard).toEqual(['a', 'b', 'c'])
  expect(await client.closed).toEqual({ kind: 'local' })
  await server.close({ grace: 0 })
})
