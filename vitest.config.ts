import { readdirSync } from 'node:fs'

import { defaultServerConditions } from 'vite'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** Tests on sources: the packages of this repository resolve to their `src`, so nothing has to be built. */
function unit(name: string): TestProjectInlineConfiguration {
  return {
    ssr: { resolve: { conditions: ['@fairlead/source', ...defaultServerConditions] } },
    test: {
      name,
      root: `packages/${name}`,
      include: ['test/**/*.test.ts'],
      exclude: ['test/e2e/**'],
      testTimeout: 20_000,
      expect: { poll: { timeout: 10_000 } },
      // They wait for sockets more than they compute.
      maxWorkers: 2,
    },
  }
}

interface BuiltTests {
  root: string
  include: string
  exclude?: string[]
  maxWorkers: number
  group: number
}

/** Tests on what `npm run build` made. They start programs, and come behind the units, one group after the other. */
function built(
  name: string,
  { root, include, exclude = [], maxWorkers, group }: BuiltTests,
): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      root,
      include: [include],
      exclude: ['**/node_modules/**', ...exclude],
      testTimeout: 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 30_000 } },
      maxWorkers,
      sequence: { groupOrder: group },
    },
  }
}

const programs = 'test/e2e/**/*.test.ts'
/** Those that need no browser. */
const commands = 'test/e2e/**/*.e2e.test.ts'
const units = readdirSync(new URL('packages', import.meta.url)).map(unit)
const builds = [
  // A browser and a hub at a time keep two cores busy.
  built('pages', {
    root: 'packages/examples',
    include: programs,
    exclude: [commands],
    maxWorkers: 1,
    group: 1,
  }),
  built('e2e', { root: 'packages/examples', include: commands, maxWorkers: 2, group: 2 }),
  built('tcp-e2e', { root: 'packages/tcp', include: programs, maxWorkers: 2, group: 2 }),
  built('conformance', { root: 'conformance', include: '**/*.test.ts', maxWorkers: 2, group: 2 }),
]

export default defineConfig(({ mode }) => ({
  test: { projects: mode === 'unit' ? units : [...units, ...builds] },
}))
