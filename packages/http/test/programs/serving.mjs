// Serves with the options of its argument, says where, and shuts down on SIGTERM. `/never` is never answered, and
// `/slow` is answered piece by piece.

import { setTimeout as after } from 'node:timers/promises'

import { formatAddress, shutdown } from '@fairlead/core'
import { listen } from '@fairlead/http'

const { grace = 10_000, ...options } = JSON.parse(process.argv[2] ?? '{}')

async function* slowly() {
  for (let count = 0; count < 10; count++) {
    yield `${count}\n`
    await after(20)
  }
}

try {
  const server = await listen(
    { port: options.path === undefined ? 0 : undefined, ...options },
    async (exchange) => {
      const { target, body } = exchange.request
      if (target === '/never') await new Promise(() => {})
      await exchange.respond(200, { 'X-Generation': 1 }, target === '/slow' ? slowly() : await body.bytes())
    },
  )
  let signals = 0
  process.on('SIGTERM', () => {
    console.log('told to end')
    // Whoever asks twice does not want to wait.
    void shutdown([server], { grace: signals++ === 0 ? grace : 0 })
  })
  console.log(`listening on ${formatAddress(server.address)}`)
  await server.closed
  console.log('closed')
} catch (error) {
  console.log(`${error.name}: ${error.message}`)
}
