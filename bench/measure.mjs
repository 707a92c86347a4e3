import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'

/** A small young generation, so that memory is what is held, and not what has not been collected yet. */
const smallYoung = ['--expose-gc', '--max-semi-space-size=1']

/** Starts a server, and resolves with a way to ask it: for its `cpu`, its `memory`, or what it answers beside. */
async function serve({ file, execPath = process.execPath }, execArgv = []) {
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execPath, execArgv })
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

/**
 * For each unit of work, microseconds of the server's CPU; and units a second. If wished, the peak of its memory, and
 * how far that is above what the process had before it was asked for anything.
 */
async function working(server, { load, units, peak = false }) {
  const { port, ask, stop } = await serve(server)
  const base = peak && (await ask('peak'))
  return {
    async round() {
      if (peak) await ask('forget')
      const before = await ask('cpu')
      const started = performance.now()
      const done = (await load(port, ask)) ?? units
      const { seconds = (performance.now() - started) / 1000 } = done
      const count = done.units ?? done
      const figures = { cpu: ((await ask('cpu')) - before) / count, rate: count / seconds }
      if (!peak) return figures
      const most = await ask('peak')
      return { ...figures, peak: most, growth: most - base }
    },
    stop,
  }
}

/**
 * For each datagram received in a piece of an endless flood, microseconds of CPU; and datagrams a second. Each
 * round has a process of its own, which has seen no other peers.
 */
function flooded(server, { flood }) {
  return {
    async round() {
      const { port, ask, stop } = await serve(server)
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
async function losing(server, { send }) {
  const { port, ask, stop } = await serve(server)
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
function holding(server, { hold, units }) {
  return {
    async round() {
      const { port, ask, stop } = await serve(server, smallYoung)
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

/** Microseconds of latency and of the server's CPU, when so many units a second are due as are half of the peer's best. */
async function paced(server, { pace }, half) {
  const { port, ask, stop } = await serve(server)
  return {
    async round() {
      const before = await ask('cpu')
      const { units, p50, p99 } = await pace(port, half)
      return { cpu: ((await ask('cpu')) - before) / units, p50, p99 }
    },
    stop,
  }
}

/** Units a second, when a server is asked for as many as it can do: half of the best of four rounds. */
async function halfOfBest(server, { load }) {
  const { port, stop } = await serve(server)
  let best = 0
  for (let left = 4; left > 0; left--) {
    const { units, seconds } = await load(port)
    best = Math.max(best, units / seconds)
  }
  stop()
  return best / 2
}

/** How a benchmark is measured, by what its `load.mjs` exports. */
const ways = { pace: paced, load: working, flood: flooded, send: losing, hold: holding }

/**
 * Runs all servers in turn, the order changing each time, after a warm-up of each. For each figure of a round: the
 * median of ours, of the peer's, and of their ratios; of losses, the worst. Without a peer, ours alone. `others` are
 * there for the reader: of each, its median, its ratio to the peer and ours to it.
 */
export async function compare({ ours, peer, others = {} }, work, rounds) {
  const [, measure] = Object.entries(ways).find(([name]) => name in work)
  const shared = measure === paced ? await halfOfBest(peer, work) : undefined
  const servers = Object.entries({ ours, peer, ...others }).filter(([, server]) => server)
  const sides = {}
  for (const [name, server] of servers) sides[name] = await measure(server, work, shared)
  const order = Object.keys(sides)
  const play = async () => {
    const results = {}
    for (const name of order) results[name] = await sides[name].round()
    return results
  }
  await play()
  const played = []
  while (played.length < rounds) {
    played.push(await play())
    // Each comes first and last, and after each of the two beside it.
    if (played.length % 2 === 1) order.reverse()
    else order.push(order.shift())
  }
  for (const side of Object.values(sides)) side.stop()
  return Object.fromEntries(
    Object.keys(played[0].ours).map((figure) => {
      const typical = figure === 'lost' ? (numbers) => Math.max(...numbers) : median
      const of = (name) => typical(played.map((round) => round[name][figure]))
      const ratio = (name, to) => typical(played.map((round) => round[name][figure] / round[to][figure]))
      if (!peer) return [figure, { ours: of('ours') }]
      const beside = Object.keys(others).map((name) => [
        name,
        { its: of(name), toPeer: ratio(name, 'peer'), oursToIt: ratio('ours', name) },
      ])
      return [
        figure,
        {
          ours: of('ours'),
          peer: of('peer'),
          ratio: ratio('ours', 'peer'),
          others: Object.fromEntries(beside),
        },
      ]
    }),
  )
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
