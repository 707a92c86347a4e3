// Runs the scenarios on the sources, inside a network namespace, and prints what came of each.
import { fileURLToPath } from 'node:url'

import { defaultServerConditions, runnerImport } from 'vite'

const file = fileURLToPath(new URL('../namespaces/scenarios.ts', import.meta.url))
const { module } = await runnerImport(file, {
  configFile: false,
  logLevel: 'error',
  environments: {
    inline: { resolve: { conditions: ['@fairlead/source', ...defaultServerConditions], noExternal: true } },
  },
})
console.log(JSON.stringify(await module.run()))
process.exit()
