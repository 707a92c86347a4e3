import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts a server and resolves with a way to measure a round on it. */
export async function serve(file) {
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: ['--expose-gc'] })
  const [{ port }] = await once(child, 'message')

  /** Microseconds of CPU, and bytes in use, so far. */
  async function used() {
    child.send('used')
    const [message] = await once(child, 'message')
    return message
  }

  return {
    /** One round: for each unit of work, microseconds of the server's CPU; and units a second. */
    async work({ load, units }) {
      const before = await used()
      const started = performance.now()
      await load(port)
      const seconds = (performance.now() - started) / 1000
      return { cpu: ((await used()).cpu - before.cpu) / units, rate: units / seconds }
    },
    /** One round of holding: bytes of the server's memory for each unit that is held. */
    async keep({ hold, units }) {
      const before = await used()
      const release = await hold(port)
      const held = await used()
      await release()
      return { memory: (held.memory - before.memory) / units }
    },
    stop: () => child.disconnect(),
  }
}

/**
 * Runs both in turn, the order changing each time, after a warm-up of each. For each figure of a round: the median
 * of ours, of the peer's, and of their ratios.
 */
export async function compare(ours, peer, work, rounds) {
  const round = (server) => (work.hold ? server.keep(work) : server.work(work))
  const pairs = []
  await round(ours)
  await round(peer)
  for (let count = 0; count < rounds; count++) {
    const first = count % 2 === 0 ? ours : peer
    const [a, b] = [await round(first), await round(first === ours ? peer : ours)]
    pairs.push(first === ours ? [a, b] : [b, a])
  }
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
