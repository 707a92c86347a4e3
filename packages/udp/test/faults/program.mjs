// Runs one function of alone.ts on the sources, and prints what it came to and what was left to the process.
import { fileURLToPath } from 'node:url'

import { defaultServerConditions, runnerImport } from 'vite'

const left = []
for (const event of ['unhandledRejection', 'uncaughtException', 'warning']) {
  process.on(event, (error) => left.push(`${event}: ${String(error?.stack ?? error)}`))
}
const { module } = await runnerImport(fileURLToPath(new URL('alone.ts', import.meta.url)), {
  configFile: false,
  logLevel: 'error',
  environments: {
    inline: { resolve: { conditions: ['@fairlead/source', ...defaultServerConditions], noExternal: true } },
  },
})
const result = await module[process.argv[2]]()
await new Promise((resolve) => setImmediate(resolve))
console.log(JSON.stringify({ result, left }))
process.exit()
