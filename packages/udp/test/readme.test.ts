import { readFileSync } from 'node:fs'

import * as udp from '@fairlead/udp'
import { expect, test } from 'vitest'

import { until } from './tools.ts'

type Run = (namespace: typeof udp, console: { log(line: unknown): void }) => Promise<void>

// conformance/packages.test.ts runs it once more, as a program with the packed package installed.
test("the README's first block runs, prints what it says, and leaves nothing open", async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, block = ''] = /```js\nimport \* as udp from '@fairlead\/udp'\n([^]*?)```/.exec(readme) ?? []
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Run
  const sockets = (): number => process.getActiveResourcesInfo().filter((it) => it === 'UDPWrap').length
  const before = sockets()
  const lines: unknown[] = []
  await new AsyncFunction('udp', 'console', block)(udp, { log: (line) => void lines.push(line) })
  expect(lines).toEqual(['ahoy'])
  await until(() => sockets() === before)
})
