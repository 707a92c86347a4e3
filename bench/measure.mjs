import { fork } from 'node:child_process'
import { once } from 'node:events'

/** A small young generation, so that memory is what is held, and not what has not been collected yet. */
const smallYoung = ['--expose-gc', '--max-semi-space-size=1']

/** Starts a server, and resolves with a way to measure a round on it. */
async function serve(file, execArgv = []) {
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv })
  const [{ port }] = await once(child, 'message')

  /** Microseconds of `cpu`, or bytes of `memory`, so far. */
  async function used(what) {
    child.send(what)
    const [answer] = await once(child, 'message')
    return answer
  }

  return { port, used, stop: () => child.disconnect() }
}

/** For each unit of work, microseconds of the server's CPU; and units a second. */
async function working(file, { load, units }) {
  const server = await serve(file)
  return {
    async round() {
      const before = await server.used('cpu')
      const started = performance.now()
      await load(server.port)
      const seconds = (performance.now() - started) / 1000
      return { cpu: ((await server.used('cpu')) - before) / units, rate: units / seconds }
    },
    stop: server.stop,
  }
}

/** Bytes of the server's memory for each unit that is held. Each round has a process of its own, which never held any. */
function holding(file, { hold, units }) {
  return {
    async round() {
      const server = await serve(file, smallYoung)
      await (
        await hold(server.port, Math.ceil(units / 50))
      )()
      const before = await server.used('memory')
      const release = await hold(server.port, units)
      const held = await server.used('memory')
      await release()
      server.stop()
      return { memory: (held - before) / units }
    },
    stop() {},
  }
}

/**
 * Runs both in turn, the order changing each time, after a warm-up of each. For each figure of a round: the median
 * of ours, of the peer's, and of their ratios.
 */
export async function compare(files, work, rounds) {
  const start = (file) => (work.hold ? holding(file, work) : working(file, work))
  const [ours, peer] = [await start(files.ours), await start(files.peer)]
  const pairs = []
  await ours.round()
  await peer.round()
  for (let count = 0; count < rounds; count++) {
    const first = count % 2 === 0 ? ours : peer
    const [a, b] = [await first.round(), await (first === ours ? peer : ours).round()]
    pairs.push(first === ours ? [a, b] : [b, a])
  }
  ours.stop()
  peer.stop()
  return Object.fromEntries(
    Object.keys(pairs[0][0]).map((figure) => [
      figure,
      {
        ours: median(pairs.map(([mine]) => mine[figure])),
        peer: median(pairs.map(([, theirs]) => theirs[figure])),
        ratio: median(pairs.map(([mine, theirs]) => mine[figure] / theirs[figure])),
      },
    ]),
  )
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
