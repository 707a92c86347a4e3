import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { canMakeNetworks } from '../namespaces/allowed.ts'

test.skipIf(!canMakeNetworks())(
  'peers on two machines find each other on every link, through a crash, a return and a goodbye',
  async () => {
    const program = fileURLToPath(new URL('../programs/discover-namespaces.mjs', import.meta.url))
    const run = promisify(execFile)('unshare', ['-rn', process.execPath, program], { timeout: 50_000 })
    const { anna, berta, hosts, code, broadcasts } = JSON.parse((await run).stdout)
    expect(anna).toEqual(['found berta', 'lost berta', 'found berta', 'lost berta', 'found carla'])
    expect(berta).toEqual(['found anna red'])
    expect(new Set(hosts)).toEqual(new Set(['10.9.1.1', '10.9.2.1', 'fe80::9:1:1', 'fe80::9:2:1']))
    expect(code).toBe(0)
    // Heard by a socket that is in no group: of the two who announced, she who broadcasts.
    expect(broadcasts).toEqual({ carla: true, anna: false })
  },
  60_000,
)
