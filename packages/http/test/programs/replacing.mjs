// A server that is replaced under its clients: at each SIGHUP another generation takes the place of the one that
// serves. With the argument `turns`, two processes take turns; with `fresh`, each generation is a process of its own,
// started ahead.

import cluster from 'node:cluster'
import { once } from 'node:events'

import { listen } from '@fairlead/http'

if (cluster.isPrimary) {
  const fresh = process.argv[2] === 'fresh'
  let generation = 0
  let serving
  let next = start()
  let turn = replace()
  process.on('SIGHUP', () => (turn = turn.then(replace)))

  async function replace() {
    const old = serving
    serving = await next
    serving.send({ serve: ++generation })
    const [{ port }] = await once(serving, 'listening')
    next = fresh || !old ? start() : Promise.resolve(old)
    if (old) {
      old.send({ finish: true, leave: fresh })
      await once(old, 'message')
    }
    console.log(`generation ${generation} on port ${port}`)
  }

  process.once('SIGTERM', async () => {
    await turn
    const spare = await next
    spare.send({ leave: true })
    serving.send({ finish: true, leave: true })
  })

  async function start() {
    const worker = cluster.fork()
    worker.once('exit', (code, signal) => {
      if (code === 0) return
      console.log(`worker ended with ${code ?? signal}`)
      process.exit(1)
    })
    await once(worker, 'message')
    return worker
  }
} else {
  const draining = new Set()
  let server
  process.on('message', async ({ serve, finish, leave }) => {
    if (serve) server = await open(serve)
    if (finish) {
      await server.suspend()
      process.send('suspended')
      const closed = server.close({ grace: 10_000 })
      draining.add(closed)
      void closed.then(() => draining.delete(closed))
    }
    if (leave) {
      await Promise.all(draining)
      // Not process.exit(): what the primary is handing over at this moment goes back to it.
      cluster.worker.disconnect()
    }
  })
  process.send('ready')
}

// Workers that ask for port 0 share one. A client that does not ask twice must be told to go before it is let go.
function open(generation) {
  return listen({ host: '127.0.0.1', port: 0, idleGrace: Infinity }, async (exchange) => {
    const body = await exchange.request.body.bytes()
    await exchange.respond(200, { 'X-Generation': generation }, body)
  })
}
