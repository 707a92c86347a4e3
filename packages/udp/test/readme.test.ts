import { readFileSync } from 'node:fs'

import * as udp from '@fairlead/udp'
import { describe, expect, test } from 'vitest'

import { until } from './tools.ts'

type Run = (namespace: typeof udp, console: { log(line: unknown): void }) => Promise<void>

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const readme = read('../README.md')

// conformance/recipes.test.ts runs all of them, as programs, with the built package installed.
test("the README's first block runs, prints what it says, and leaves nothing open", async () => {
  const [, block = ''] = /```js\nimport \* as udp from '@fairlead\/udp'\n([^]*?)```/.exec(readme) ?? []
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => Run
  const sockets = (): number => process.getActiveResourcesInfo().filter((it) => it === 'UDPWrap').length
  const before = sockets()
  const lines: unknown[] = []
  await new AsyncFunction('udp', 'console', block)(udp, { log: (line) => void lines.push(line) })
  expect(lines).toEqual(['AHOY'])
  await until(() => sockets() === before)
})

/** A member of an interface, and what its docstring gives as the default. */
interface Member {
  readonly name: string
  readonly value: string
}

/** The members of an interface; those of an option that is an object of its own as `memory.answers`. */
function membersOf(file: string, name: string, prefix = ''): Member[] {
  const [, body = ''] = new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, 's').exec(read(file)) ?? []
  const member = /(?:\/\*\*((?:(?!\*\/).)*)\*\/\s*)?^ {2}(?:readonly )?(\w+)\??[:(]/gms
  return Array.from(body.matchAll(member), ([, docs = '', own = '']) => {
    const [, value = ''] = /Default:? (\d{1,3}(?:,\d{3})*(?: [KM]iB)?|true|false|`[^`]+`)/.exec(docs) ?? []
    return { name: prefix + own, value: value.replaceAll(/[`']/g, '') }
  })
}

/** The README's tables, cell by cell. */
const rows = readme.split('\n').map((line) => line.split('|').slice(1))

/** Whether a row begins with this option or counter, and has its default beside it. */
function isThere({ name, value }: Member): boolean {
  return rows.some(([first = '', second = '']) => first.includes(`\`${name}\``) && second.includes(value))
}

describe('the README has every', () => {
  test.each([
    ['SocketOptions', '../src/options.ts'],
    ['BindOptions', '../src/options.ts'],
    ['MessageOptions', '../src/options.ts'],
    ['SessionOptions', '../src/options.ts'],
    ['ConnectOptions', '../src/options.ts'],
    ['TrafficOptions', '../src/opening/socket-options.ts'],
    ['JoinOptions', '../src/multicast/membership.ts'],
    ['RequestsOptions', '../src/request/options.ts'],
    ['AnswerMemoryLimits', '../src/request/options.ts', 'memory.'],
    ['RequestOptions', '../src/request/request-options.ts'],
    ['RetryBackoff', '../src/request/request-options.ts', 'backoff.'],
    ['BundleOptions', '../src/bundle/options.ts'],
    ['DiscoveryOptions', '../src/discovery/options.ts'],
    ['AnnounceOptions', '../src/discovery/options.ts'],
    ['DiscoverOptions', '../src/discovery/options.ts'],
    ['DiscoveryQuery', '../src/discovery/options.ts'],
    ['UdpStats', '../src/stats.ts'],
  ])('%s, with its default', (name: string, file: string, prefix = '') => {
    const members = membersOf(file, name, prefix)
    expect(members).not.toEqual([])
    expect(members.filter((it) => !isThere(it))).toEqual([])
  })
})
