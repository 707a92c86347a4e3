import { existsSync, readdirSync } from 'node:fs'

import { defaultServerConditions } from 'vite'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * What only a process of its own can show: a module that is replaced, or all that a process holds and hears. Other
 * files of a project share processes: loading everything anew for each of them would take longest.
 */
const alone = /\.process\.test\.ts$/

/** Most of them wait for sockets, programs and pages more than they compute: one more than there should be cores. */
const maxWorkers = 3

/** Tests on sources: the packages of this repository resolve to their `src`, so nothing has to be built. */
function unit(name: string): TestProjectInlineConfiguration[] {
  const project = (
    title: string,
    isolate: boolean,
    include: string,
    exclude: string[] = [],
  ): TestProjectInlineConfiguration => ({
    ssr: { resolve: { conditions: ['@fairlead/source', ...defaultServerConditions] } },
    test: {
      name: title,
      root: `packages/${name}`,
      include: [include],
      exclude: ['test/e2e/**', ...exclude],
      isolate,
      testTimeout: 20_000,
      expect: { poll: { timeout: 10_000 } },
      maxWorkers,
    },
  })
  const process = 'test/**/*.process.test.ts'
  const shared = project(name, false, 'test/**/*.test.ts', [process])
  const files = readdirSync(new URL(`packages/${name}/test`, import.meta.url), { recursive: true })
  if (!files.some((file) => alone.test(String(file)))) return [shared]
  return [shared, project(`${name}-process`, true, process)]
}

interface BuiltTests {
  root: string
  include: string
  exclude?: string[]
}

/** Tests on what `npm run build` made. They start programs, and come behind the units. */
function built(name: string, { root, include, exclude = [] }: BuiltTests): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      root,
      include: [include],
      exclude: ['**/node_modules/**', ...exclude],
      isolate: false,
      testTimeout: 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 30_000 } },
      maxWorkers,
      sequence: { groupOrder: 1 },
    },
  }
}

const programs = 'test/e2e/**/*.test.ts'
/** Those that need no browser. */
const commands = 'test/e2e/**/*.e2e.test.ts'
const tested = readdirSync(new URL('packages', import.meta.url)).filter((name) =>
  existsSync(new URL(`packages/${name}/test`, import.meta.url)),
)
const units = tested.flatMap(unit)
const builds = [
  built('pages', { root: 'packages/examples', include: programs, exclude: [commands] }),
  built('e2e', { root: 'packages/examples', include: commands }),
  built('tcp-e2e', { root: 'packages/tcp', include: programs }),
  built('http-e2e', { root: 'packages/http', include: programs }),
  built('conformance', { root: 'conformance', include: '**/*.test.ts' }),
]

/** Built tests that take longest, so that none of them is left over at the end. */
const longest = [
  'conformance/packages.test.ts',
  'tcp/test/e2e/resets.test.ts',
  'tcp/test/e2e/cycles.test.ts',
  'conformance/recipes.test.ts',
  'conformance/websocket.test.ts',
  'examples/test/e2e/load.test.ts',
  'examples/test/e2e/folder-page.test.ts',
  'examples/test/e2e/peer.e2e.test.ts',
  'examples/test/e2e/transfer.e2e.test.ts',
  'examples/test/e2e/vanishing.test.ts',
  'examples/test/e2e/reconnect-page.test.ts',
  'examples/test/e2e/stopping.test.ts',
  'examples/test/e2e/serve.e2e.test.ts',
  'examples/test/e2e/serve-slowly.e2e.test.ts',
  'examples/test/e2e/bridge-page.test.ts',
  'examples/test/e2e/bridge-ways.e2e.test.ts',
  'examples/test/e2e/bridge.e2e.test.ts',
  'examples/test/e2e/rpc.e2e.test.ts',
  'examples/test/e2e/serve-page.test.ts',
  'http/test/e2e/replacing.test.ts',
  'http/test/e2e/files-silent.test.ts',
  'http/test/e2e/tus.test.ts',
  'http/test/e2e/client-flat.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((file) => moduleId.endsWith(file))
      return place < 0 ? longest.length : place
    }
    const group = ({ project }: TestSpecification): number => project.config.sequence.groupOrder
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => group(a) - group(b) || rank(a) - rank(b))
  }
}

export default defineConfig(({ mode }) => ({
  test: { projects: mode === 'unit' ? units : [...units, ...builds], sequence: { sequencer: LongestFirst } },
}))
