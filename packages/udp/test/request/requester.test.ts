import { BrokenError, ClosedError, LimitError, TimeoutError } from '@fairlead/core'
import { DatagramNetwork, type MemoryAddress } from '@fairlead/core/memory'
import { describe, expect, test, vi } from 'vitest'

import { type RequestOptions, requests, type RequestsOptions } from '../../src/request.ts'
import { decodeMessage, encodeMessage, type Kind } from '../../src/request/message.ts'
import { raw, text, turns, useFakeTime } from './tools.ts'

const time = useFakeTime()

/** One of ours, and a bare peer that it asks. */
async function pair(options: RequestsOptions<MemoryAddress, Uint8Array> & { messages?: 'binary' } = {}) {
  const network = new DatagramNetwork()
  const here = requests(await network.bind('here'), options)
  const socket = await network.bind('there')
  const { heard, messages } = raw(socket)
  const ask = (more: Partial<RequestOptions<string>> = {}): Promise<Uint8Array> => {
    const asked = here.request('ping', { to: 'there', ...more })
    // Awaited later, after time has passed.
    asked.catch(() => {})
    return asked
  }
  const say = (kind: Kind, data: string, id = messages().at(-1)?.id ?? ''): void =>
    void socket.write(encodeMessage(kind, id, Buffer.from(data)), 'here')
  return { network, here, socket, heard, messages, ask, say }
}

/** Whoever asks over this socket is answered with what he said while it still writes; then it does that. */
async function answeringInside(then: () => void) {
  const socket = await new DatagramNetwork().bind('here')
  let hear: ((data: Uint8Array, from: MemoryAddress) => unknown) | undefined
  const handle = socket.handle.bind(socket)
  socket.handle = (handler) => {
    hear = handler.onDatagram.bind(handler)
    handle(handler)
  }
  socket.write = (datagram) => {
    const { id = '', data } = decodeMessage(datagram as Uint8Array) ?? {}
    void hear?.(encodeMessage('answer', id, data ?? Buffer.alloc(0)), { kind: 'memory', name: 'there' })
    then()
    return true
  }
  return { here: requests(socket), socket }
}

describe('a request', () => {
  test('carries a new identifier each time, and is padded to a third of the largest answer', async () => {
    const { ask, messages, heard } = await pair()
    for (let i = 0; i < 300; i++) void ask()
    await turns()
    const ids = messages().map((message) => message?.id)
    expect([new Set(ids).size, new Set(ids.map((id) => id?.length)).size]).toEqual([300, 1])
    expect(heard.map(({ byteLength }) => byteLength)).toEqual(Array(300).fill(406))
    expect(messages().map((message) => text(message?.data ?? Buffer.from('?')))).toEqual(
      Array(300).fill('ping'),
    )
  })

  test.each([
    [{ padTo: 0 }, 22],
    [{ padTo: 100 }, 100],
    [{ maxMessageSize: 300 }, 106],
    // A small question stays small, however large an answer may be sent here.
    [{ maxMessageSize: 65_000 }, 406],
    [{ maxMessageSize: 3_000, padTo: 1_006 }, 1_006],
  ])('of %j has %i bytes', async (options, size) => {
    const { ask, heard } = await pair(options)
    void ask()
    await turns()
    expect(heard[0]?.byteLength).toBe(size)
  })

  test('resolves with the answer; a second one is a duplicate', async () => {
    const { here, ask, say } = await pair()
    const asked = ask()
    await turns()
    say('answer', 'pong')
    say('answer', 'other')
    expect(text(await asked)).toBe('pong')
    await turns()
    expect(here.stats()).toMatchObject({ requests: 1, answers: 1, duplicates: 1, pending: 0 })
  })

  test('gives text when it was asked for', async () => {
    const network = new DatagramNetwork()
    const there = requests(await network.bind('there'), {
      messages: 'text',
      answer: (data) => `${data.toUpperCase()}!`,
    })
    const here = requests(await network.bind('here'), { messages: 'text' })
    expect(await here.request('ahoy', { to: there.address })).toBe('AHOY!')
    expect(await here.request('', { to: 'there' })).toBe('!')
  })

  test('is sent again with the same bytes, later each time, and then given up', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    const { here, ask, heard } = await pair()
    const asked = ask({ timeout: 10_000, retries: 4, backoff: { base: 400 } })
    const at: number[] = []
    for (let now = 0; now <= 10_000; now += 50) {
      while (at.length < heard.length) at.push(now)
      await time.advance(50)
    }
    random.mockRestore()
    // The half of 400, 800, 1,600 and 3,200 is the least; the first one was seen at the first look.
    expect(at).toEqual([50, 200, 600, 1_400, 3_000])
    expect(new Set(heard.map((datagram) => datagram.toString('hex'))).size).toBe(1)
    await expect(asked).rejects.toThrow('Cannot get an answer from memory:there: none within 10000 ms')
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError', phase: 'total', retryable: false })
    expect(here.stats()).toMatchObject({ requests: 1, retries: 4, timeouts: 1, pending: 0 })
  })

  test('waits at random between the half and the whole', async () => {
    const { ask, heard } = await pair()
    for (let i = 0; i < 200; i++) void ask({ backoff: { base: 1_000 }, retries: 1 })
    await time.advance(490)
    expect(heard).toHaveLength(200)
    const steps: number[] = []
    for (let i = 0; i < 5; i++) {
      await time.advance(102)
      steps.push(heard.length)
    }
    expect(heard).toHaveLength(400)
    // Spread out: each fifth of the range has its share of 40, give or take.
    steps.forEach((count, index) => {
      const share = count - (steps[index - 1] ?? 200)
      expect(share).toBeGreaterThan(10)
      expect(share).toBeLessThan(90)
    })
  })

  test('waits half a second at least before it is sent again', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    const { ask, heard } = await pair()
    void ask()
    await time.advance(450)
    expect(heard).toHaveLength(1)
    await time.advance(100)
    expect(heard).toHaveLength(2)
    random.mockRestore()
  })

  test('may be answered before write returns', async () => {
    const { here, socket } = await answeringInside(() => {})
    expect(text(await here.request('ping', { to: 'there' }))).toBe('ping')
    expect(here.stats()).toMatchObject({ requests: 1, answers: 1, duplicates: 0, pending: 0 })
    await socket.close()
  })

  test('that is answered inside a write that throws is answered', async () => {
    const { here, socket } = await answeringInside(() => {
      throw new Error('too late')
    })
    expect(text(await here.request('ping', { to: 'there' }))).toBe('ping')
    await socket.close()
  })

  test('is sent once when retries is 0, and never again when it is answered', async () => {
    const { ask, say, heard, messages } = await pair()
    const once = ask({ retries: 0, timeout: 3_000 })
    await time.advance(3_000)
    expect(heard).toHaveLength(1)
    await expect(once).rejects.toThrow(TimeoutError)
    const answered = ask()
    await turns()
    say('answer', 'pong', messages().at(-1)?.id)
    await answered
    await time.advance(10_000)
    expect(heard).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is answered in time by an answer to a retry', async () => {
    const { network, ask, say, heard } = await pair()
    network.change({ loss: 1 })
    const asked = ask({ timeout: 2_000 })
    await turns()
    network.change({ loss: 0 })
    await time.advance(1_000)
    expect(heard).toHaveLength(1)
    say('answer', 'pong')
    expect(text(await asked)).toBe('pong')
  })

  test('makes no retry that would come after its time, nor 30 seconds after the first', async () => {
    const { ask, heard } = await pair()
    const short = ask({ timeout: 300, backoff: { base: 1_000 } })
    await time.advance(300)
    await expect(short).rejects.toThrow(TimeoutError)
    expect(heard).toHaveLength(1)
    const long = ask({ timeout: 100_000, retries: 1_000, backoff: { base: 1_000, cap: 1_000 } })
    await time.advance(31_000, 500)
    const sent = heard.length
    expect(sent).toBeGreaterThan(25)
    await time.advance(68_000, 1_000)
    expect(heard).toHaveLength(sent)
    await time.advance(1_000)
    await expect(long).rejects.toThrow(TimeoutError)
  })

  test('that comes too late is a duplicate', async () => {
    const { here, ask, say } = await pair()
    const asked = ask({ timeout: 100 })
    await time.advance(100)
    await expect(asked).rejects.toThrow(TimeoutError)
    say('answer', 'pong')
    await turns()
    expect(here.stats()).toMatchObject({ timeouts: 1, answers: 0, duplicates: 1 })
  })
})

describe('a failure answer', () => {
  test.each([
    ['\x01', 'it failed to answer'],
    ['\x02', 'its answer does not fit into a datagram'],
    ['\x03', 'its answer is larger than it gives to a request of this size (raise padTo)'],
    ['', 'it failed to answer'],
  ])('of %j rejects', async (data, why) => {
    const { here, ask, say } = await pair()
    const asked = ask()
    await turns()
    say('failure', data)
    await expect(asked).rejects.toThrow(`Cannot get an answer from memory:there: ${why}`)
    await expect(asked).rejects.toMatchObject({
      name: 'BrokenError',
      peer: { name: 'there' },
      retryable: false,
    })
    expect(here.stats()).toMatchObject({ failures: 1, answers: 0, pending: 0 })
  })
})

describe('an answer that was forged', () => {
  test('from another address does not count, even with the identifier', async () => {
    const { network, here, ask, say, messages } = await pair()
    const other = await network.bind('other')
    const asked = ask()
    await turns()
    const id = messages()[0]?.id ?? ''
    for (const kind of ['answer', 'failure'] as const)
      other.write(encodeMessage(kind, id, Buffer.from('forged')), 'here')
    await turns()
    expect(here.stats()).toMatchObject({ filtered: 2, pending: 1 })
    say('answer', 'pong')
    expect(text(await asked)).toBe('pong')
  })

  test('from the right address needs the identifier', async () => {
    const { here, ask, say, messages } = await pair()
    const asked = ask()
    await turns()
    const id = messages()[0]?.id ?? ''
    const wrong = String.fromCharCode((id.charCodeAt(0) + 1) % 256) + id.slice(1)
    say('answer', 'forged', wrong)
    await turns()
    expect(here.stats()).toMatchObject({ duplicates: 1, pending: 1 })
    say('answer', 'pong', id)
    expect(text(await asked)).toBe('pong')
  })
})

describe('a request is cut short', () => {
  test('by its signal, before and meanwhile, and leaves no listener on it', async () => {
    const { here, ask, say, heard } = await pair()
    const reason = new Error('enough')
    await expect(ask({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await turns()
    expect(heard).toHaveLength(0)
    const controller = new AbortController()
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const [asked, answered] = [ask({ signal: controller.signal }), ask({ signal: controller.signal })]
    await turns()
    say('answer', 'pong')
    await answered
    expect(remove).toHaveBeenCalledTimes(1)
    controller.abort(reason)
    await expect(asked).rejects.toBe(reason)
    await time.advance(10_000)
    expect(heard).toHaveLength(2)
    expect(here.stats()).toMatchObject({ requests: 2, answers: 1, aborted: 1, pending: 0 })
  })

  test.each<[string, (it: Awaited<ReturnType<typeof pair>>) => unknown, typeof ClosedError]>([
    ['close', ({ here }) => here.close(), ClosedError],
    ['destroy', ({ here }) => here.destroy(), ClosedError],
    ['destroy with an error', ({ here }) => here.destroy(new Error('no more')), BrokenError],
  ])('by %s', async (_, end, kind) => {
    const it = await pair()
    const asked = [it.ask(), it.ask({ to: 'nobody' })]
    await turns()
    void end(it)
    for (const each of asked) await expect(each).rejects.toThrow(kind)
    await it.here.closed
    expect(it.here.state).toBe('closed')
    await expect(it.ask()).rejects.toThrow(kind)
    expect(it.here.stats()).toMatchObject({ requests: 2, aborted: 2, pending: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('when the socket underneath is closed', async () => {
    const network = new DatagramNetwork()
    const socket = await network.bind('here')
    const here = requests(socket)
    const asked = here.request('ping', { to: 'there' })
    await socket.close()
    await expect(asked).rejects.toThrow(ClosedError)
    expect(await here.closed).toEqual({ kind: 'local' })
  })
})

describe('a request is refused', () => {
  test('when too many wait, until one of them is done', async () => {
    const { here, ask, say } = await pair({ maxPending: 2 })
    const asked = [ask(), ask()]
    await expect(ask()).rejects.toMatchObject({
      name: 'LimitError',
      limit: 'maxPending',
      value: 3,
      retryable: true,
    })
    await turns()
    say('answer', 'pong')
    await asked[1]
    void ask()
    await turns()
    expect(here.stats()).toMatchObject({ requests: 3, pending: 2 })
  })

  test('when it is too large', async () => {
    const { ask, here } = await pair()
    await expect(here.request(Buffer.alloc(1_201), { to: 'there' })).rejects.toMatchObject({
      name: 'LimitError',
      limit: 'maxMessageSize',
      value: 1_201,
    })
    void here.request(Buffer.alloc(1_200), { to: 'there' }).catch(() => {})
    void ask()
    expect(here.stats()).toMatchObject({ requests: 2 })
    here.destroy()
  })

  test('when the socket will not send it', async () => {
    const { network, here, ask } = await pair()
    network.change({ mtu: 100 })
    await expect(ask()).rejects.toThrow(LimitError)
    expect(here.stats()).toMatchObject({ requests: 0, pending: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('when a retry cannot be sent it waits on, and somebody is told', async () => {
    const told: string[] = []
    const { network, here, ask, say, heard } = await pair({
      onTrouble(error) {
        told.push(error.name)
        throw new Error('not me, too')
      },
    })
    const asked = ask()
    await turns()
    network.change({ mtu: 100 })
    await time.advance(1_000)
    expect(told).toEqual(['LimitError'])
    expect(here.stats()).toMatchObject({ retries: 1, lastError: { name: 'LimitError' } })
    network.change({ mtu: 10_000 })
    await time.advance(2_000)
    expect(heard).toHaveLength(2)
    say('answer', 'pong')
    expect(text(await asked)).toBe('pong')
  })

  test.each<[string, Partial<Record<keyof RequestOptions<string>, unknown>>]>([
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: Infinity }],
    ['retries', { retries: -1 }],
    ['retries', { retries: 1.5 }],
    ['retries', { retries: 1_001 }],
    ['backoff', { backoff: 5 }],
    ['base', { backoff: { base: 0 } }],
    ['base', { retries: 0, backoff: { base: 0 } }],
    ['cap', { backoff: { base: 100, cap: 50 } }],
    ['signal', { signal: {} }],
  ])('by name when %s is wrong: %j', async (name, options) => {
    const { here, ask, heard } = await pair()
    await expect(ask(options as never)).rejects.toThrow(new RegExp(`Invalid options? (of )?${name}`))
    await turns()
    expect(heard).toHaveLength(0)
    expect(here.stats()).toMatchObject({ requests: 0, pending: 0 })
  })

  test.each([
    [undefined, /Invalid options of to: undefined/],
    [null, /Invalid options of to: null/],
    [{}, /Invalid option to: is no address/],
    [{ kind: 'unix', path: '/tmp/a' }, /Invalid option to: .* is no address of this socket; it takes a name/],
    [{ host: '127.0.0.1', port: 9 }, /Invalid option to: .* is no address of this socket; it takes a name/],
    [
      { host: 'localhost', port: 9 },
      /Invalid option to: "localhost" is no literal address; resolve it first/,
    ],
    [{ host: undefined, port: 9 }, /is no literal address/],
    [{ host: '127.0.0.1', port: 70_000 }, /Invalid port: 70000/],
  ])('when it is to go to %j', async (to, message) => {
    const { ask, here } = await pair()
    await expect(ask({ to: to as never })).rejects.toThrow(message)
    expect(here.stats()).toMatchObject({ requests: 0, pending: 0 })
  })

  test.each([undefined, null, 5, {}])('when the message is %j', async (data) => {
    const { here } = await pair()
    await expect(here.request(data as never, { to: 'there' })).rejects.toThrow(TypeError)
    await expect(here.request('x', data as never)).rejects.toThrow(TypeError)
  })
})
