import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'

/** A small young generation, so that memory is what is held, and not what has not been collected yet. */
const smallYoung = ['--expose-gc', '--max-semi-space-size=1']

/** Starts a server, and resolves with a way to ask it: for its `cpu`, its `memory`, or what it answers beside. */
async function serve(file, execArgv = []) {
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv })
  const gone = once(child, 'exit').then(() => Promise.reject(new Error(`${file.pathname} ended`)))
  gone.catch(() => {})
  const told = async () => (await Promise.race([once(child, 'message'), gone]))[0]
  const { port } = await told()

  async function ask(question) {
    child.send(question)
    return (await told()).answer
  }

  return { port, ask, stop: () => child.disconnect() }
}

/** For each unit of work, microseconds of the server's CPU; and units a second. */
async function working(file, { load, units }) {
  const { port, ask, stop } = await serve(file)
  return {
    async round() {
      const before = await ask('cpu')
      const started = performance.now()
      const done = (await load(port, ask)) ?? units
      const seconds = (performance.now() - started) / 1000
      return { cpu: ((await ask('cpu')) - before) / done, rate: done / seconds }
    },
    stop,
  }
}

/**
 * For each datagram received in a piece of an endless flood, microseconds of CPU; and datagrams a second. Each
 * round has a process of its own, which has seen no other peers.
 */
function flooded(file, { flood }) {
  return {
    async round() {
      const { port, ask, stop } = await serve(file)
      const cease = await flood(port)
      await setTimeout(300)
      const before = await ask('progress')
      await setTimeout(400)
      const after = await ask('progress')
      await cease()
      stop()
      const received = after.received - before.received
      return { cpu: (after.cpu - before.cpu) / received, rate: received / ((after.at - before.at) / 1000) }
    },
    stop() {},
  }
}

/** Of the datagrams that are sent, how many are lost. */
async function losing(file, { send }) {
  const { port, ask, stop } = await serve(file)
  const received = async () => (await ask('progress')).received
  return {
    async round() {
      const before = await received()
      const sent = await send(port)
      // A receiver that stalls is not behind for longer.
      await setTimeout(500)
      return { lost: sent - ((await received()) - before) }
    },
    stop,
  }
}

/** Bytes of the server's memory for each unit that is held. Each round has a process of its own, which never held any. */
function holding(file, { hold, units }) {
  return {
    async round() {
      const { port, ask, stop } = await serve(file, smallYoung)
      await (
        await hold(port, Math.ceil(units / 50), ask)
      )()
      const before = await ask('memory')
      const release = await hold(port, units, ask)
      const held = await ask('memory')
      await release()
      stop()
      return { memory: (held - before) / units }
    },
    stop() {},
  }
}

/** How a benchmark is measured, by what its `load.mjs` exports. */
const ways = { load: working, flood: flooded, send: losing, hold: holding }

/**
 * Runs both in turn, the order changing each time, after a warm-up of each. For each figure of a round: the median
 * of ours, of the peer's, and of their ratios; of losses, the worst. Without a peer, ours alone.
 */
export async function compare(files, work, rounds) {
  const [, measure] = Object.entries(ways).find(([name]) => name in work)
  const sides = { ours: await measure(files.ours, work) }
  if (files.peer) sides.peer = await measure(files.peer, work)
  const play = async (names) => {
    const results = {}
    for (const name of names) results[name] = await sides[name].round()
    return results
  }
  const order = Object.keys(sides)
  await play(order)
  const played = []
  while (played.length < rounds) {
    played.push(await play(order))
    order.reverse()
  }
  for (const side of Object.values(sides)) side.stop()
  return Object.fromEntries(
    Object.keys(played[0].ours).map((figure) => {
      const typical = figure === 'lost' ? (numbers) => Math.max(...numbers) : median
      const of = (value) => typical(played.map(value))
      const ours = of((round) => round.ours[figure])
      if (!files.peer) return [figure, { ours }]
      const peer = of((round) => round.peer[figure])
      return [figure, { ours, peer, ratio: of((round) => round.ours[figure] / round.peer[figure]) }]
    }),
  )
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
