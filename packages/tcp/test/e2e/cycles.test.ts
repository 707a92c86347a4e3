import { outcome, Program } from '@fairlead/harness'
import { afterEach, describe, expect, test } from 'vitest'

afterEach(() => Program.killAll())

describe('23 starting and stopping', () => {
  // 130 bytes for each of the plain ones, and 1,500 for those with TLS: what stays behind of a connection is more.
  const most = { plain: 1024 * 1024, tls: 3 * 1024 * 1024 }

  test.each([
    ['plain', 'listen'],
    ['plain', 'connect'],
    ['plain', 'destroy'],
    ['plain', 'abort'],
    ['tls', 'listen'],
    ['tls', 'connect'],
    ['tls', 'destroy'],
    ['tls', 'abort'],
  ] as const)('thousands of times leaves no handle and no memory behind: %s %s', async (kind, what) => {
    const { cycles, grown } = await outcome<{ cycles: number; grown: number }>(
      new URL('../programs/fault-cycles.mjs', import.meta.url),
      [kind, what],
      { env: { NODE_OPTIONS: '--expose-gc' } },
    )
    expect(cycles).toBe(kind === 'tls' ? 1_000 : 10_000)
    expect(grown).toBeLessThan(most[kind])
  })
})
