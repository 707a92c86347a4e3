// A peer, on the sources: announces and discovers what its argument says, `{ service, query, options }`, and prints
// its id, and then what it is told, as lines of JSON. A line of JSON on its input is an update; when its input ends,
// it says goodbye.
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { defaultServerConditions, runnerImport } from 'vite'

const conditions = ['@fairlead/source', ...defaultServerConditions]
const { module } = await runnerImport(fileURLToPath(new URL('../../src/discovery.ts', import.meta.url)), {
  configFile: false,
  logLevel: 'error',
  environments: { inline: { resolve: { conditions, noExternal: true } } },
})
const { announce, discover } = module
const print = (line) => console.log(JSON.stringify(line))

const { service, query, options } = JSON.parse(process.argv[2])
const announcement = service && (await announce(service, options))
const discovery = query && (await discover(query, { ...options, except: announcement?.id }))
print({ id: announcement?.id })
if (discovery) void tell()

for await (const line of createInterface({ input: process.stdin })) {
  announcement.update(JSON.parse(line))
}
await Promise.all([announcement?.close(), discovery?.close()])

async function tell() {
  for await (const event of discovery) print(event)
}
