import { lookup as systemLookup } from 'node:dns'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { type Lookup, Resolution } from '../src/resolve.ts'

vi.mock(import('node:dns'), async (original) => ({ ...(await original()), lookup: vi.fn<never>() }))

type Answer = (error: Error | null, addresses?: { address: string; family: number }[]) => void

/** The questions to the system that are open, by family. */
const asked = new Map<number, Answer>()

beforeEach(() => {
  vi.useFakeTimers()
  asked.clear()
  vi.mocked(systemLookup).mockImplementation(((
    _host: string,
    { family }: { family: number },
    answer: Answer,
  ) => asked.set(family, answer)) as never)
})
afterEach(() => void vi.useRealTimers())

function answer(family: 4 | 6, ...addresses: string[]): void {
  asked.get(family)?.(
    null,
    addresses.map((address) => ({ address, family })),
  )
}

function fail(family: 4 | 6, code: string): void {
  asked.get(family)?.(Object.assign(new Error(code), { code }))
}

/** Takes all that is there. */
function take(resolution: Resolution): string[] {
  const taken: string[] = []
  for (let address = resolution.next(); address; address = resolution.next()) taken.push(address.host)
  return taken
}

const resolve = (options: { family?: 4 | 6; lookup?: Lookup } = {}) =>
  new Resolution({ host: 'example.test', port: 80, ...options })

/** Resolves with a lookup of its own, to the end. */
async function resolved(lookup: Lookup, family?: 4 | 6) {
  const resolution = resolve({ lookup, ...(family && { family }) })
  await new Promise<void>((done) => (resolution.onChange = done))
  return resolution
}

describe('asking the system', () => {
  test('asks for both families at the same time', () => {
    resolve()
    expect([...asked.keys()]).toEqual([6, 4])
  })

  test.each([4, 6] as const)('asks for IPv%i only', (family) => {
    resolve({ family })
    expect([...asked.keys()]).toEqual([family])
  })

  test('IPv6 is given out as soon as it is there', () => {
    const resolution = resolve()
    answer(6, '::1')
    expect(resolution.exhausted).toBe(false)
    expect(take(resolution)).toEqual(['::1'])
    answer(4, '127.0.0.1')
    expect(take(resolution)).toEqual(['127.0.0.1'])
    expect(resolution.exhausted).toBe(true)
  })

  test('IPv4 waits for IPv6, for the Resolution Delay', () => {
    const resolution = resolve()
    let changes = 0
    resolution.onChange = () => changes++
    answer(4, '127.0.0.1')
    vi.advanceTimersByTime(49)
    expect(changes).toBe(0)
    expect(take(resolution)).toEqual([])
    vi.advanceTimersByTime(1)
    expect(changes).toBe(1)
    expect(take(resolution)).toEqual(['127.0.0.1'])
    expect(resolution.exhausted).toBe(false)
    answer(6, '::1')
    expect(changes).toBe(2)
    expect(take(resolution)).toEqual(['::1'])
  })

  test('an address is found while it waits, and when it was taken', () => {
    const resolution = resolve()
    expect(resolution.found).toBe(false)
    answer(4, '127.0.0.1')
    expect(resolution.found).toBe(true)
    fail(6, 'ENOTFOUND')
    expect(take(resolution)).toEqual(['127.0.0.1'])
    expect(resolution.found).toBe(true)
    const none = resolve()
    fail(6, 'ENOTFOUND')
    expect(none.found).toBe(false)
  })

  test('IPv6 within the Resolution Delay comes first', () => {
    const resolution = resolve()
    answer(4, '127.0.0.1', '127.0.0.2')
    answer(6, '::1', '::2')
    expect(vi.getTimerCount()).toBe(0)
    expect(take(resolution)).toEqual(['::1', '127.0.0.1', '::2', '127.0.0.2'])
  })

  test('IPv4 waits no longer when there is no IPv6', () => {
    const resolution = resolve()
    answer(4, '127.0.0.1')
    fail(6, 'ENOTFOUND')
    expect(vi.getTimerCount()).toBe(0)
    expect(take(resolution)).toEqual(['127.0.0.1'])
  })

  test('late IPv6 goes before IPv4 that is left', () => {
    const resolution = resolve()
    answer(4, '127.0.0.1', '127.0.0.2')
    vi.advanceTimersByTime(50)
    expect(resolution.next()?.host).toBe('127.0.0.1')
    answer(6, '::1', '::2')
    expect(take(resolution)).toEqual(['::1', '127.0.0.2', '::2'])
  })

  test.each([
    ['ENOTFOUND', 'EAI_AGAIN', 'EAI_AGAIN'],
    ['EAI_AGAIN', 'ENOTFOUND', 'EAI_AGAIN'],
    ['EAI_ADDRFAMILY', 'ENOTFOUND', 'ENOTFOUND'],
    ['ENOTFOUND', 'ENOTFOUND', 'ENOTFOUND'],
  ])('IPv6 %s and IPv4 %s: %s', (six, four, code) => {
    const resolution = resolve()
    fail(6, six)
    expect(resolution.exhausted).toBe(false)
    fail(4, four)
    expect(resolution.exhausted).toBe(true)
    expect(resolution.error).toMatchObject({ code })
  })

  test('an answer without addresses is one that the name has none', () => {
    const resolution = resolve({ family: 4 })
    asked.get(4)?.(null, undefined)
    expect(resolution.error).toMatchObject({ code: 'ENOTFOUND', message: 'example.test has no IPv4 address' })
  })

  test('a resolver that throws has failed, once the caller listens', async () => {
    const error = Object.assign(new Error('thrown'), { code: 'EINVAL' })
    vi.mocked(systemLookup).mockImplementation(() => {
      throw error
    })
    const resolution = resolve()
    let changes = 0
    resolution.onChange = () => changes++
    expect(changes).toBe(0)
    await vi.advanceTimersByTimeAsync(0)
    expect(changes).toBeGreaterThan(0)
    expect(resolution.exhausted).toBe(true)
    expect(resolution.error).toBe(error)
  })

  test('cancelled: answers change nothing any more, and no timer is left', () => {
    const resolution = resolve()
    let changes = 0
    resolution.onChange = () => changes++
    answer(4, '127.0.0.1')
    resolution.cancel()
    expect(vi.getTimerCount()).toBe(0)
    answer(6, '::1')
    expect(changes).toBe(0)
  })
})

describe('an own lookup', () => {
  test('takes turns between the families, IPv6 first, each in its own order', async () => {
    for (let six = 0; six <= 4; six++) {
      for (let four = 0; four <= 4; four++) {
        if (six + four === 0) continue
        const addresses = [
          ...Array.from({ length: four }, (_, index) => `127.0.0.${index + 1}`),
          ...Array.from({ length: six }, (_, index) => `fe80::${index + 1}`),
        ]
        const taken = take(await resolved(() => Promise.resolve(addresses)))
        expect(taken.toSorted()).toEqual(addresses.toSorted())
        const family = (host: string): number => (host.includes(':') ? 6 : 4)
        for (const each of [4, 6]) {
          const own = (host: string): boolean => family(host) === each
          expect(taken.filter(own)).toEqual(addresses.filter(own))
        }
        // While both last, no two of a family follow each other.
        const mixed = taken.slice(0, 2 * Math.min(six, four)).map(family)
        expect(mixed).toEqual(mixed.map((_, index) => (index % 2 === 0 ? 6 : 4)))
      }
    }
  })

  test('the same address twice, in whatever form, is tried once; a zone makes another one', async () => {
    const answer = ['127.0.0.1', '::ffff:127.0.0.1', '0:0::1', '::1', 'fe80::1%a', 'fe80::1%b']
    const resolution = await resolved(() => Promise.resolve(answer))
    expect(take(resolution)).toEqual(['::1', '127.0.0.1', 'fe80::1', 'fe80::1'])
  })

  test('addresses have the port', async () => {
    const resolution = await resolved(() => Promise.resolve(['::1']))
    expect(resolution.next()).toEqual({ kind: 'ip', family: 6, host: '::1', port: 80 })
  })

  test.each([4, 6] as const)('is asked for all, and IPv%i taken', async (family) => {
    const resolution = await resolved(() => Promise.resolve(['::1', '127.0.0.1']), family)
    expect(take(resolution)).toEqual([family === 4 ? '127.0.0.1' : '::1'])
    const none = await resolved(() => Promise.resolve([family === 4 ? '::1' : '127.0.0.1']), family)
    expect(none.error).toMatchObject({
      code: 'ENOTFOUND',
      message: `example.test has no IPv${family} address`,
    })
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', {}],
    ['a name', ['localhost']],
    ['a number in the list', ['::1', 1]],
    ['nothing in the list', [undefined]],
    ['the runtime’s own form', [{ address: '127.0.0.1', family: 4 }]],
    ['octal', ['127.0.0.010']],
    ['brackets', ['[::1]']],
    ['one text', '127.0.0.1'],
    ['one literal', '::1'],
  ])('that gives nonsense has failed: %s', async (_what, answer) => {
    const resolution = await resolved(() => Promise.resolve(answer as never))
    expect(resolution.exhausted).toBe(true)
    expect(resolution.error).toMatchObject({
      code: expect.stringMatching(/^(EBADRESP|ENOTFOUND)$/) as string,
    })
  })

  test('that finds none, throws or rejects has failed', async () => {
    const error = new Error('out of order')
    const none = await resolved(() => Promise.resolve([]))
    expect(none.error).toMatchObject({ code: 'ENOTFOUND' })
    const thrown = await resolved(() => {
      throw error
    })
    expect(thrown.error).toBe(error)
    const rejected = await resolved(() => Promise.reject(error))
    expect(rejected.error).toBe(error)
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what users do
    const odd = await resolved(() => Promise.reject(Object.create(null)))
    expect(odd.error).toBeInstanceOf(Error)
  })

  test('is told when nobody waits any longer, and only then', async () => {
    let told: AbortSignal | undefined
    const hanging: Lookup = (_host, signal) => {
      told = signal
      return new Promise(() => {})
    }
    const resolution = resolve({ lookup: hanging })
    expect(told?.aborted).toBe(false)
    resolution.cancel()
    resolution.cancel()
    expect(told?.aborted).toBe(true)
    const done = await resolved((_host, signal) => {
      told = signal
      return Promise.resolve(['::1'])
    })
    done.cancel()
    expect(told?.aborted).toBe(false)
  })
})
