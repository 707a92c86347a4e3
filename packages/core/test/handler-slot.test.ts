import { beforeEach, describe, expect, test } from 'vitest'

import { SocketError } from '../src/errors.ts'
import { HandlerSlot, type InnerHandler, type SlotHost } from '../src/handler-slot.ts'

let log: string[]
let flows: boolean[]
let failures: unknown[]
let slot: HandlerSlot<string>

const host: SlotHost = {
  flow: (wanted) => void flows.push(wanted),
  answerEnd: () => void log.push('host end'),
  closeForShutdown: (grace) => void log.push(`host shutdown ${grace}`),
  fail: (error) => void failures.push(error),
}

beforeEach(() => {
  log = []
  flows = []
  failures = []
  slot = new HandlerSlot<string>(host)
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function handler(name: string, more: Partial<InnerHandler<string>> = {}): InnerHandler<string> {
  return {
    onData: (data) => void log.push(`${name} ${data}`),
    onClose: (reason) => void log.push(`${name} closed ${reason.kind}`),
    ...more,
  }
}

describe('before anybody reads', () => {
  test('keeps input, and gives it later, in order', async () => {
    for (const data of ['a', 'b', 'c']) slot.push(data)
    expect([slot.occupied, slot.flowing]).toEqual([false, false])
    slot.install(handler('one'), 'head')
    expect(log).toEqual([])
    slot.push('d')
    await turn()
    expect(log).toEqual(['one head', 'one a', 'one b', 'one c', 'one d'])
    expect(flows.at(-1)).toBe(true)
    slot.push('e')
    expect(log.at(-1)).toBe('one e')
  })

  test('keeps the end behind the input', async () => {
    slot.push('a')
    slot.pushEnd()
    slot.pushEnd()
    slot.install(handler('one', { onEnd: () => void log.push('one end') }))
    await turn()
    expect(log).toEqual(['one a', 'one end'])
  })

  test('answers the end for a handler without opinion', async () => {
    slot.pushEnd()
    slot.install(handler('one'))
    await turn()
    expect(log).toEqual(['host end'])
  })

  test('keeps the close', async () => {
    slot.close({ kind: 'remote' })
    await turn()
    slot.install(handler('one'))
    await turn()
    expect(log).toEqual(['one closed remote'])
  })
})

describe('pausing', () => {
  test('keeps what comes, end included, until resume', async () => {
    slot.install(handler('one', { onEnd: () => void log.push('one end') }))
    await turn()
    slot.pause()
    expect(flows.at(-1)).toBe(false)
    slot.push('a')
    slot.pushEnd()
    await turn()
    expect(log).toEqual([])
    slot.resume()
    await turn()
    expect(log).toEqual(['one a', 'one end'])
  })

  test('in the middle of what is pending stops right there', async () => {
    for (const data of ['a', 'b', 'c']) slot.push(data)
    slot.install(
      handler('one', {
        onData(data) {
          log.push(data)
          if (data === 'b') slot.pause()
        },
      }),
    )
    await turn()
    expect(log).toEqual(['a', 'b'])
    slot.resume()
    slot.resume()
    await turn()
    expect(log).toEqual(['a', 'b', 'c'])
  })

  test('by the user and by the reader are apart: input flows when neither pauses', async () => {
    slot.install(handler('one'))
    await turn()
    slot.pause()
    slot.hold(true)
    slot.resume()
    slot.push('a')
    await turn()
    expect(log).toEqual([])
    slot.hold(false)
    await turn()
    expect(log).toEqual(['one a'])
  })
})

describe('a new handler', () => {
  test('inside onData gets the head in front of what is pending, and the old one nothing more', async () => {
    for (const data of ['a', 'b', 'c']) slot.push(data)
    slot.install(
      handler('one', {
        onData(data) {
          log.push(`one ${data}`)
          slot.install(handler('two'), 'head')
          log.push('installed')
        },
      }),
    )
    await turn()
    slot.close({ kind: 'local' })
    await turn()
    expect(log).toEqual(['one a', 'installed', 'two head', 'two b', 'two c', 'two closed local'])
  })

  test('lets input flow, whatever was paused before', async () => {
    slot.install(handler('one'))
    slot.pause()
    slot.push('a')
    slot.install(handler('two'))
    await turn()
    expect(log).toEqual(['two a'])
  })

  test('hears the end again that the old one heard', async () => {
    slot.install(handler('one', { onEnd: () => void log.push('one end') }))
    slot.pushEnd()
    await turn()
    slot.install(handler('two', { onEnd: () => void log.push('two end') }))
    await turn()
    expect(log).toEqual(['one end', 'two end'])
  })

  test('installed by onClose of the old one hears the close itself, once', async () => {
    slot.install(handler('one', { onClose: () => slot.install(handler('two')) }))
    slot.close({ kind: 'local' })
    await turn()
    await turn()
    expect(log).toEqual(['two closed local'])
  })

  test('gets what the old one gives back', async () => {
    slot.install(handler('one', { onReplaced: () => ['x', 'y'] }))
    slot.pause()
    slot.push('z')
    slot.install(handler('two'), 'head')
    await turn()
    expect(log).toEqual(['two head', 'two x', 'two y', 'two z'])
  })
})

describe('release and vacate', () => {
  test('release puts back what was not read, and keeps what comes', async () => {
    const one = handler('one')
    slot.install(one)
    await turn()
    slot.release(one, ['x', 'y'])
    expect(flows.at(-1)).toBe(false)
    slot.push('z')
    slot.install(handler('two'))
    await turn()
    expect(log).toEqual(['two x', 'two y', 'two z'])
  })

  test('release by one that was replaced does nothing', async () => {
    const one = handler('one')
    slot.install(one)
    slot.install(handler('two'))
    slot.release(one, ['x'])
    await turn()
    slot.push('a')
    expect(log).toEqual(['two a'])
  })

  test('vacate takes everything out', async () => {
    slot.push('a')
    slot.install(handler('one', { onReplaced: () => ['x'] }))
    slot.pause()
    expect(slot.vacate()).toEqual(['x', 'a'])
    slot.close({ kind: 'local' })
    await turn()
    expect([log, slot.occupied]).toEqual([[], false])
  })
})

describe('deaf', () => {
  test('drops what was pending and what comes, and answers the end', async () => {
    slot.push('a')
    slot.install(handler('one'))
    slot.deafen()
    slot.push('b')
    slot.pushEnd()
    await turn()
    expect(log).toEqual(['host end'])
    expect(flows.at(-1)).toBe(true)
    slot.install(handler('two'), 'head')
    await turn()
    expect(log).toEqual(['host end'])
  })

  test('inside onData stops delivery there', async () => {
    for (const data of ['a', 'b']) slot.push(data)
    slot.install(
      handler('one', {
        onData(data) {
          log.push(data)
          slot.deafen()
        },
      }),
    )
    await turn()
    expect(log).toEqual(['a'])
  })

  test('is told with the reason, if there is one, also to a handler that comes later', async () => {
    const told = (name: string): InnerHandler<string> =>
      handler(name, { onDeaf: (reason) => void log.push(`${name} deaf ${reason?.kind ?? 'politely'}`) })
    slot.install(told('one'))
    await turn()
    slot.deafen()
    slot.deafen()
    slot.close({ kind: 'timeout', phase: 'close' })
    await turn()
    slot.install(told('two'))
    await turn()
    expect(log.find((line) => line.startsWith('one'))).toBe('one deaf politely')
    expect(log.slice(-2)).toEqual(['two deaf timeout', 'two closed timeout'])
  })
})

describe('closing', () => {
  test('is told to the handler that is there, once for each time, and its failure is the host’s', async () => {
    slot.closing()
    slot.install(handler('one', { onClosing: () => void log.push('one closing') }))
    slot.closing()
    expect(log).toEqual(['one closing'])
    await turn()
  })
})

describe('shutdown', () => {
  test('is the host’s where the handler has no opinion, or says so', () => {
    slot.shutdown(1)
    slot.install(handler('one'))
    slot.shutdown(2)
    const onShutdown = (grace: number): void => void log.push(`shutdown ${grace}`)
    slot.install(handler('two', { onShutdown, leavesShutdown: true }))
    slot.shutdown(3)
    slot.install(handler('three', { onShutdown }))
    slot.shutdown(4)
    expect(log).toEqual(['host shutdown 1', 'host shutdown 2', 'host shutdown 3', 'shutdown 4'])
  })
})

describe('a callback that fails', () => {
  const fault = new Error('out of spite')
  const ways: Record<string, () => unknown> = {
    throws: () => {
      throw fault
    },
    rejects: () => Promise.reject(fault),
    // oxlint-disable unicorn/no-thenable -- what user code may return
    'returns a thenable that rejects': () => ({
      then: (_: unknown, no: (error: Error) => void) => no(fault),
    }),
    'returns a thenable that throws': () => ({
      get then() {
        throw fault
      },
    }),
    // oxlint-enable unicorn/no-thenable
  }
  const triggers: Record<string, () => void> = {
    onData: () => slot.push('a'),
    onEnd: () => slot.pushEnd(),
    onDrain: () => slot.drain(),
    onShutdown: () => slot.shutdown(1),
    onClose: () => slot.close({ kind: 'local' }),
    onTrouble: () => slot.trouble(fault as never),
  }
  const cases = Object.keys(triggers).flatMap((name) => Object.keys(ways).map((way) => [name, way] as const))

  test.each(cases)('%s that %s is told to the host, once', async (name, way) => {
    slot.install(handler('one', { [name]: ways[way] as () => void }))
    await turn()
    triggers[name]?.()
    await turn()
    expect(failures).toEqual([fault])
  })
})

test.each(['onEnd', 'onShutdown', 'onClose', 'onDrain', 'onTrouble'] as const)(
  'a handler that throws when it is asked for %s costs its connection, and nothing else',
  async (name) => {
    const broken = new Error('no such thing')
    slot.install({
      onData() {},
      get [name](): never {
        throw broken
      },
    })
    await new Promise((resolve) => setImmediate(resolve))
    slot.drain()
    slot.trouble(new SocketError('trouble'))
    slot.shutdown(1_000)
    slot.pushEnd()
    slot.close({ kind: 'remote' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(failures).toEqual([broken])
  },
)
