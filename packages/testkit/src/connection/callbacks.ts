import assert from 'node:assert/strict'

import type { Accept, ConnectionHandler, Listener } from '@fairlead/core'
import { SocketError } from '@fairlead/core'

import { check, type Check } from '../check.ts'
import type { Peer } from '../fixture.ts'
import { Flood } from '../flood.ts'
import type { Recording } from '../recording.ts'
import type { Stage } from '../stage.ts'
import { quiet, soon, until } from '../wait.ts'

/** What user code may end with; each must be survived. */
const spite = new Error('out of spite')
const faults: Record<string, () => unknown> = {
  throws: () => {
    throw spite
  },
  rejects: () => Promise.reject(spite),
  'rejects later': () => quiet().then(() => Promise.reject(spite)),
}

/** A conversation on the same listener that must go on, whatever happens to the other one. */
class Scene {
  readonly #victim: Peer | undefined
  readonly server: Peer
  readonly listener: Listener<Peer>
  readonly #stage: Stage
  readonly #bystander: Peer
  readonly #heard: Recording
  #said = 0

  private constructor(
    stage: Stage,
    listener: Listener<Peer>,
    bystander: Peer,
    heard: Recording,
    victim: Peer | undefined,
    server: Peer,
  ) {
    this.#stage = stage
    this.listener = listener
    this.#bystander = bystander
    this.#heard = heard
    this.#victim = victim
    this.server = server
  }

  /** The first connection is the bystander's, the second one meets `accept`. */
  static async set(stage: Stage, accept: Accept<Peer, unknown>): Promise<Scene> {
    const place = stage.another()
    const accepted: Peer[] = []
    const listener = await place.listen((connection) => {
      accepted.push(connection)
      if (accepted.length === 2) return accept(connection)
      const reader = place.reader()
      return {
        onData(data) {
          for (const text of reader.push(data)) connection.write(place.encode(`${text} yourself`))
        },
        onShutdown() {},
      }
    })
    const bystander = await place.connect()
    await until(() => accepted.length === 1, 'the bystander is accepted')
    const heard = place.record(bystander)
    // The victim may be reset before it knows that it is connected.
    const victim = await place.connect().catch(() => undefined)
    await until(() => accepted.length === 2, 'the victim is accepted')
    return new Scene(place, listener, bystander, heard, victim, accepted[1] as Peer)
  }

  get victim(): Peer {
    assert.ok(this.#victim, 'the victim could not connect')
    return this.#victim
  }

  /** The bystander's conversation goes on. */
  async goesOn(): Promise<void> {
    const text = `hello ${this.#said++}`
    this.#bystander.write(this.#stage.encode(text))
    await until(() => this.#heard.texts.includes(`${text} yourself`), 'the bystander is answered')
  }

  /** The victim's connection ended for the fault's sake, and nothing else did. */
  async costsOne(what: string): Promise<void> {
    const reason = await soon(this.server.closed, `${what} costs the connection`)
    assert.ok(reason.kind === 'error' && SocketError.is(reason.error), `closed with ${reason.kind}`)
    assert.equal(reason.error.cause, spite)
    if (this.#victim) {
      this.#stage.record(this.#victim)
      if (this.#stage.can.resets) await soon(this.#victim.closed, 'the peer hears of it')
    }
    await this.goesOn()
    assert.equal(this.listener.connections.has(this.server), false)
    assert.equal(this.listener.connections.size, 1)
    this.listener.destroy()
  }
}

type Callback = 'onData' | 'onEnd' | 'onDrain' | 'onShutdown'

const silent: ConnectionHandler<unknown> = { onData() {} }

function faulty(callback: Callback | 'onClose', fault: () => unknown): ConnectionHandler<unknown> {
  return { ...silent, [callback]: fault }
}

/** How each callback is brought about, by the victim or through the listener. */
const triggers: Record<Callback, (stage: Stage, scene: Scene) => unknown> = {
  // Whoever is not announced has spoken by now.
  onData: (stage, { victim }) => stage.can.announces && victim.write(stage.encode('hello')),
  onEnd: (_, { victim }) => void victim.close({ grace: 1_000 }),
  async onDrain(stage, { server, victim }) {
    await new Flood(stage, server).stall()
    stage.record(victim)
  },
  onShutdown: (_, { listener }) => void listener.close({ grace: 3_000 }),
}

export const callbackChecks: readonly Check[] = [
  ...(['onData', 'onEnd', 'onDrain', 'onShutdown'] as const).map((callback) =>
    check(`${callback} that throws or rejects costs its connection only`, async (stage) => {
      for (const [what, fault] of Object.entries(faults)) {
        const scene = await Scene.set(stage, () => faulty(callback, fault))
        const heard = callback === 'onEnd' ? stage.can.ends : callback !== 'onDrain' || stage.can.backpressure
        const tooLate = callback === 'onEnd' && what === 'rejects later' && !stage.can.outlivesEnd
        if (heard) await triggers[callback](stage, scene)
        if (heard && tooLate) {
          assert.equal((await soon(scene.server.closed, 'the end closes it')).kind, 'remote')
          await scene.goesOn()
        } else if (heard) {
          await scene.costsOne(`${callback} that ${what}`)
        } else {
          await scene.goesOn()
          assert.equal(scene.server.state, 'open')
        }
      }
    }),
  ),

  check('onClose that throws or rejects costs nothing', async (stage) => {
    for (const fault of Object.values(faults)) {
      const scene = await Scene.set(stage, () => faulty('onClose', fault))
      await scene.goesOn()
      scene.server.destroy()
      await quiet()
      await quiet()
      assert.deepEqual(await scene.server.closed, { kind: 'local' })
      await scene.goesOn()
    }
  }),

  check('accept that throws or rejects costs its connection only', async (stage) => {
    for (const [what, fault] of Object.entries(faults)) {
      const scene = await Scene.set(stage, fault as Accept<Peer, unknown>)
      await scene.costsOne(`accept that ${what}`)
    }
  }),

  check('callbacks that never settle cost nothing', async (stage) => {
    const never = (): Promise<void> => new Promise(() => {})
    const reader = stage.reader()
    const texts: string[] = []
    const scene = await Scene.set(stage, (connection) => {
      connection.handle({
        onData(data) {
          texts.push(...reader.push(data))
          return never()
        },
        onEnd: never,
        onDrain: never,
        onShutdown: never,
        onClose: never,
      })
      return never()
    })
    stage.write(scene.victim, stage.texts(0, 3))
    await until(() => texts.length === 3, 'input goes on')
    assert.deepEqual(texts, stage.texts(0, 3))
    await scene.goesOn()
    const closing = scene.listener.close({ grace: 50 })
    await quiet()
    await scene.goesOn()
    await soon(closing, 'the listener closes in spite of it')
    assert.equal(scene.server.state, 'closed')
  }),

  check('whatever is thrown is a reason', async (stage) => {
    const trap = new Proxy(new Error('trap'), {
      get(target, name) {
        if (name === 'message') throw spite
        return Reflect.get(target, name) as unknown
      },
    })
    for (const thrown of [undefined, null, 0, '', Object.create(null), trap]) {
      const scene = await Scene.set(stage, () =>
        faulty('onData', () => {
          throw thrown
        }),
      )
      scene.victim.write(stage.encode('hello'))
      const reason = await soon(scene.server.closed, 'it costs the connection')
      assert.ok(reason.kind === 'error' && SocketError.is(reason.error))
      assert.equal(reason.error.cause, thrown)
      await scene.goesOn()
    }
  }),
]
