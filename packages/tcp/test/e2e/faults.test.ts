import { afterEach, describe, expect, test } from 'vitest'

import { Program } from './program.ts'

afterEach(() => Program.killAll())

/** What a program says before it ends by itself, with nothing wrong. */
async function outcome<T>(
  name: string,
  args: readonly string[],
  options?: Parameters<typeof Program.start>[2],
) {
  const program = Program.start(name, args, options)
  const [line = ''] = await program.prints(/^\{.*\}$/gm)
  await program.ended
  expect({ code: program.child.exitCode, output: program.output }).toEqual({ code: 0, output: `${line}\n` })
  return JSON.parse(line) as T
}

describe('1 a reset in each phase', () => {
  /** How connections of a phase end, all of them. */
  function expectedOf(phase: string, kind: string): string {
    if (/^made, (?:at once|behind)/.test(phase)) return 'ConnectError'
    if (/in a (?:prelude|PROXY header|TLS hello)$/.test(phase)) return '0 accepted, 1 refused'
    if (phase.endsWith('handed over')) return 'handover'
    // Where the reset meets the last write of a handshake, the runtime drops the error: an end is read, and writes hang.
    if (kind === 'tls' && phase.endsWith('new')) return 'timeout'
    return 'error'
  }

  test.each([
    ['plain', 1_000],
    ['tls', 50],
  ])('costs that connection only (%s, %i times)', async (kind, times) => {
    const { resets, outcomes } = await outcome<{ resets: number; outcomes: Record<string, string[]> }>(
      'fault-resets.mjs',
      [kind],
    )
    expect(resets).toBe(times)
    expect(Object.keys(outcomes).length).toBeGreaterThan(25)
    for (const [phase, ends] of Object.entries(outcomes)) {
      expect({ phase, ends }).toEqual({ phase, ends: [expectedOf(phase, kind)] })
    }
  })
})

describe('22 no descriptors', () => {
  test('to connect with are a ConnectError that says so, and connecting goes on when there are some', async () => {
    const { errors, echoed } = await outcome<{ errors: string[]; echoed: string }>(
      'fault-descriptors.mjs',
      [],
      {
        shell: 'ulimit -n 40;',
      },
    )
    expect(new Set(errors)).toEqual(new Set([expect.stringMatching(/too many open files \(EMFILE\)$/)]))
    expect(errors.length).toBeGreaterThan(0)
    expect(echoed).toBe('ahoy')
  })
})

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
      'fault-cycles.mjs',
      [kind, what],
      { env: { NODE_OPTIONS: '--expose-gc' } },
    )
    expect(cycles).toBe(kind === 'tls' ? 1_000 : 10_000)
    expect(grown).toBeLessThan(most[kind])
  })
})
