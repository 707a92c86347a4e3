import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts a server and resolves with a way to measure a round on it. */
export async function serve(file) {
  const child = fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [{ port }] = await once(child, 'message')

  async function cpu() {
    child.send('cpu')
    const [message] = await once(child, 'message')
    return message.cpu
  }

  return {
    /** One round: microseconds of the server's CPU, and units a second, for each unit of work. */
    async round({ load, units }) {
      const before = await cpu()
      const started = performance.now()
      await load(port)
      const seconds = (performance.now() - started) / 1000
      return { cpu: ((await cpu()) - before) / units, rate: units / seconds }
    },
    stop: () => child.disconnect(),
  }
}

/** Runs both in turn, the order changing each time, after a warm-up of each. */
export async function compare(ours, peer, work, rounds) {
  const ratios = { cpu: [], rate: [] }
  const figures = { ours: [], peer: [] }
  await ours.round(work)
  await peer.round(work)
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? ours : peer
    const [a, b] = [await first.round(work), await (first === ours ? peer : ours).round(work)]
    const [mine, theirs] = first === ours ? [a, b] : [b, a]
    figures.ours.push(mine.cpu)
    figures.peer.push(theirs.cpu)
    ratios.cpu.push(mine.cpu / theirs.cpu)
    ratios.rate.push(mine.rate / theirs.rate)
  }
  return {
    ours: median(figures.ours),
    peer: median(figures.peer),
    cpu: median(ratios.cpu),
    rate: median(ratios.rate),
  }
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
