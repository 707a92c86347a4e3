// A server that is replaced under its clients: SIGHUP starts new workers, and then lets the old ones finish.

import cluster from 'node:cluster'
import { once } from 'node:events'

import * as tcp from '@fairlead/tcp'

if (cluster.isPrimary) {
  let workers = await start(2)
  let turn = Promise.resolve()
  process.on('SIGHUP', () => (turn = turn.then(replace)))

  async function replace() {
    const old = workers
    workers = await start(2)
    for (const worker of old) worker.send('finish')
  }
} else {
  const port = Number(process.env.PORT ?? 7000)
  const listener = await tcp.listen({ port }, (connection) => ({
    onData: (chunk) => void connection.write(chunk),
    // Whoever is here may finish what it came for; `grace` is the limit.
    onShutdown() {},
  }))
  console.log(`${process.pid} listens on port ${listener.address.port}`)
  await once(process, 'message')
  await listener.close({ grace: 10_000 })
  console.log(`${process.pid} is done`)
  // Not process.exit(): what the primary is handing over at this moment goes back to it.
  cluster.worker.disconnect()
}

/** As many new workers, which listen already. */
function start(count) {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const worker = cluster.fork()
      await once(worker, 'listening')
      return worker
    }),
  )
}
