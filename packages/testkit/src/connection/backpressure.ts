import assert from 'node:assert/strict'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import { Flood } from '../flood.ts'
import type { Recording } from '../recording.ts'
import type { Stage } from '../stage.ts'
import { failureOf, quiet, settled, soon, turn, until } from '../wait.ts'

export const backpressureChecks: readonly Check[] = [
  check('stops a sender whose peer never read, in bounded memory, and loses nothing', async (stage) => {
    const { client, server } = await stage.pair()
    await stopsAndGoesOn(stage, client, () => stage.record(server))
  }),

  check('stops a sender whose peer has paused, until there is room', async (stage) => {
    const { client, server } = await stage.pair()
    let slowly = false
    const heard = stage.record(server, {
      onText() {
        if (!slowly) return
        server.pause()
        void turn().then(() => server.resume())
      },
    })
    await stage.tell(client, heard, 'first')
    server.pause()
    await stopsAndGoesOn(stage, client, () => {
      slowly = true
      server.resume()
      return heard
    })
  }),

  check('stops a sender whose peer iterates and does not ask', async (stage) => {
    const { client, server } = await stage.pair()
    stage.write(client, ['first'])
    const iterator = server[Symbol.asyncIterator]()
    const reader = stage.reader()
    const texts: string[] = []
    while (texts.length === 0) texts.push(...reader.push((await soon(iterator.next(), 'it reads')).value))
    await stopsAndGoesOn(stage, client, () => {
      const read = async (): Promise<void> => {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          texts.push(...reader.push(next.value))
          await turn()
        }
      }
      void read()
      return { texts }
    })
  }),

  check(
    'write answers false above the high-water mark, and drain is told when there is room',
    async (stage) => {
      const { client, server } = await stage.pair()
      const own = stage.record(client)
      if (!stage.can.backpressure) return passesBy(stage, client)
      assert.equal(client.write(stage.encode('first')), true, 'there was room')
      await quiet()
      assert.deepEqual(own.heard, [], 'drain was told, and nobody had waited')
      const flood = new Flood(stage, client)
      await flood.stall()
      // The system may have found room for a little more.
      let more = 0
      while (client.write(stage.encode(flood.text(flood.sent)))) assert.ok(++more < 100, 'there was no room')
      const room = client.drained()
      assert.equal(await settled(room), false, 'drained() resolved without room')
      const drains = own.heard.length
      const heard = stage.record(server)
      await soon(room, 'there is room')
      await until(() => own.heard.length > drains, 'drain is told')
      await until(
        () => heard.texts.length === 1 + flood.sent + more + 1,
        'what was written above the mark arrives',
      )
      assert.equal(client.write(stage.encode('last')), true, 'there is room again')
      await until(() => heard.texts.at(-1) === 'last', 'the last text arrives')
      await until(() => client.buffered === 0, 'nothing is buffered any more')
    },
  ),

  check('send shares one resolved promise while there is room', async (stage) => {
    const { client, server } = await stage.pair()
    const heard = stage.record(server)
    const sent = [client.send(stage.encode('a')), client.send(stage.encode('b'))]
    assert.equal(sent[0], sent[1])
    assert.equal(await settled(client.drained()), true, 'drained() waits though there is room')
    await until(() => heard.texts.length === 2, 'both arrive')
  }),

  check('an aborted signal ends waiting for room with its reason, and nothing else', async (stage) => {
    const { client, server } = await stage.pair()
    if (!stage.can.backpressure) return passesBy(stage, client)
    const flood = new Flood(stage, client)
    await flood.stall()
    const reason = new Error('changed my mind')
    const early = client.drained({ signal: AbortSignal.abort(reason) })
    assert.equal(await failureOf(early, 'waiting with an aborted signal'), reason)
    const controller = new AbortController()
    const waiting = client.drained({ signal: controller.signal })
    assert.equal(await settled(waiting), false)
    controller.abort(reason)
    assert.equal(await failureOf(waiting, 'waiting'), reason)
    assert.equal(client.state, 'open')
    const heard = stage.record(server)
    await soon(flood.done, 'the senders go on')
    await until(() => heard.texts.length === flood.sent, 'everything arrives')
  }),

  check(
    'pause stops delivery at once, in the middle of what is pending, and resume loses nothing',
    async (stage) => {
      const { client, server } = await stage.pair()
      const all = stage.largeTexts(0, 8)
      stage.write(client, all)
      await quiet()
      const reader = stage.reader()
      const texts: string[] = []
      let calls = 0
      server.handle({
        onData(data) {
          calls++
          texts.push(...reader.push(data))
          server.pause()
        },
      })
      for (let rounds = 1; texts.length < 8; rounds++) {
        await until(() => calls >= rounds, 'more arrives')
        await quiet()
        assert.equal(calls, rounds, 'input was delivered after pause()')
        server.resume()
      }
      assert.deepEqual(texts, all)
    },
  ),

  check('corked writes leave together, when the last cork is pulled', async (stage) => {
    const { client, server } = await stage.pair()
    const heard = stage.record(server)
    await stage.tell(client, heard, 'first')
    client.cork()
    client.cork()
    stage.write(client, ['a', 'b'])
    client.uncork()
    await quiet()
    assert.deepEqual(heard.texts, stage.can.corks ? ['first'] : ['first', 'a', 'b'])
    stage.write(client, ['c'])
    client.uncork()
    await until(() => heard.texts.length === 4, 'all arrive')
    assert.deepEqual(heard.texts, ['first', 'a', 'b', 'c'])
    client.uncork()
    client.cork()
    stage.write(client, ['d'])
    await quiet()
    assert.equal(heard.texts.includes('d'), !stage.can.corks, 'a cork pulled once too often spoilt the next')
    client.uncork()
    await until(() => heard.texts.includes('d'), 'the last one arrives')
  }),

  check('a close pulls the cork', async (stage) => {
    const { client, server } = await stage.pair()
    const heard = stage.record(server)
    client.cork()
    stage.write(client, ['a', 'b'])
    await soon(client.close(), 'it closes')
    await until(() => heard.texts.length === 2, 'all arrive')
    assert.deepEqual(heard.texts, ['a', 'b'])
  }),
]

/** Floods `sender` until it stops, lets the peer read, and compares everything. */
async function stopsAndGoesOn(
  stage: Stage,
  sender: Peer,
  read: () => Pick<Recording, 'texts'>,
): Promise<void> {
  if (!stage.can.backpressure) return passesBy(stage, sender)
  const flood = new Flood(stage, sender)
  await flood.stall()
  flood.assertBounded()
  const heard = read()
  await soon(flood.done, 'the sender goes on')
  const count = flood.sent
  await until(() => heard.texts.filter((text) => text !== 'first').length >= count, 'everything arrives')
  const texts = heard.texts.filter((text) => text !== 'first')
  assert.equal(texts.length, count)
  assert.ok(
    flood.resumed <= stage.fixture.highWaterMark,
    `sending went on at ${flood.resumed} bytes buffered`,
  )
  texts.forEach((text, index) => assert.ok(text === flood.text(index), `text ${index} is not what was sent`))
}

/** Where nobody can be stopped, sending goes on, and nothing piles up at the sender. */
async function passesBy(stage: Stage, sender: Peer): Promise<void> {
  const size = Math.min(1_024, stage.fixture.volume.size)
  for (let index = 0; index < 2_000; index++) {
    await soon(sender.send(stage.encode(stage.text(index, size))), 'there is room')
  }
  await until(() => sender.buffered === 0, 'nothing is buffered any more')
  assert.equal(sender.state, 'open')
}
