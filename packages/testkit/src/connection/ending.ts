import assert from 'node:assert/strict'

import { ClosedError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import type { Stage } from '../stage.ts'
import { quiet, soon, until } from '../wait.ts'

export const endingChecks: readonly Check[] = [
  check('end() ends the output and reading goes on; where there is none, it is refused', async (stage) => {
    const { client, server } = await stage.pair()
    if (!stage.can.halfClose) return refusesEnd(stage, client, server)
    const fromClient = stage.read(server)
    const fromServer = stage.read(client)
    stage.write(client, stage.texts(0, 3))
    client.end?.()
    client.end?.()
    assert.equal(client.state, 'open')
    assert.throws(() => client.write(stage.encode('late')), ClosedError)
    assert.deepEqual(await soon(fromClient, 'the end arrives'), stage.texts(0, 3))
    for (const text of stage.texts(10, 60)) await server.send(stage.encode(text))
    assert.deepEqual([client.state, server.state], ['open', 'open'])
    server.end?.()
    assert.deepEqual(await soon(fromServer, 'the other end arrives'), stage.texts(10, 60))
    const reasons = await soon(Promise.all([client.closed, server.closed]), 'both are closed')
    assert.deepEqual(
      reasons.map((reason) => reason.kind),
      ['local', 'remote'],
    )
  }),

  check(
    'the end comes once, behind everything that was written, and without opinion it is answered',
    async (stage) => {
      const { client, server } = await stage.pair()
      const texts = stage.texts(0, stage.can.reliable ? 2_000 : 20)
      stage.write(client, texts)
      const closing = client.close()
      const heard = stage.record(server)
      await soon(closing, 'the close is answered')
      await until(() => heard.texts.length === texts.length, 'everything arrives')
      assert.deepEqual(heard.texts, texts)
      if (stage.can.ends) await until(() => heard.reasons.length === 1, 'the close is told')
      await quiet()
      assert.equal(server.state, stage.can.ends ? 'closed' : 'open')
      assert.equal(heard.heard.filter((what) => what === 'close').length, stage.can.ends ? 1 : 0)
    },
  ),

  check('the end waits for a reader that pauses, behind what it has not heard', async (stage) => {
    const { client, server } = await stage.pair()
    const all = [...stage.largeTexts(0, 8), ...stage.texts(8, 12)]
    stage.write(client, all)
    void client.close({ grace: 4_000 })
    await quiet()
    const reader = stage.reader()
    const texts: string[] = []
    server.handle({
      onData(data) {
        texts.push(...reader.push(data))
        server.pause()
        void quiet().then(() => server.resume())
      },
      onEnd: () => void texts.push('end'),
    })
    const count = all.length + (stage.can.ends ? 1 : 0)
    await until(() => texts.length >= count, 'everything arrives')
    await quiet()
    assert.deepEqual(texts, stage.can.ends ? [...all, 'end'] : all)
  }),

  check('onEnd is told once, before the close, and answers for itself', async (stage) => {
    const { client, server } = await stage.pair()
    const heard = stage.record(server, { onEnd() {} })
    const back = stage.record(client)
    await stage.tell(client, heard, 'first')
    if (stage.can.halfClose) {
      client.end?.()
      await until(() => heard.heard.includes('end'), 'the end is told')
      await quiet()
      assert.deepEqual([client.state, server.state], ['open', 'open'])
      await stage.tell(server, back, 'still here')
    } else {
      const closing = client.close()
      if (stage.can.ends) await until(() => heard.heard.includes('end'), 'the end is told')
      else await soon(closing, 'it closes without an answer')
      await quiet()
      assert.deepEqual(heard.heard.filter((what) => what === 'end').length, stage.can.ends ? 1 : 0)
    }
    await soon(server.close(), 'it closes')
    await soon(client.closed, 'the other end is closed')
    await until(() => heard.reasons.length > 0, 'the close is told')
    await quiet()
    assert.deepEqual(heard.heard, stage.can.ends ? ['data', 'end', 'close'] : ['data', 'close'])
    assert.equal((await server.closed).kind, stage.can.ends ? 'remote' : 'local')
    assert.equal((await client.closed).kind, 'local')
  }),
]

/** Nothing is half-closed by accident: the method is absent or throws, and the conversation goes on. */
async function refusesEnd(stage: Stage, client: Peer, server: Peer): Promise<void> {
  if (client.end) assert.throws(() => client.end?.())
  if (server.end) assert.throws(() => server.end?.())
  const [there, back] = [stage.record(server), stage.record(client)]
  await stage.tell(client, there, 'there')
  await stage.tell(server, back, 'and back')
  assert.deepEqual([client.state, server.state], ['open', 'open'])
}
