import { outcome, Program } from '@fairlead/harness'
import { afterEach, describe, expect, test } from 'vitest'

afterEach(() => Program.killAll())

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
      new URL('../programs/fault-resets.mjs', import.meta.url),
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
      new URL('../programs/fault-descriptors.mjs', import.meta.url),
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
