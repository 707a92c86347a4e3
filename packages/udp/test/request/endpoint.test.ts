import { ClosedError } from '@fairlead/core'
import { DatagramNetwork, type MemoryAddress } from '@fairlead/core/memory'
import { tick } from '@fairlead/core/transport'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

import { requests, type RequestsOptions } from '../../src/request.ts'
import { encodeMessage } from '../../src/request/message.ts'
import { raw, text, turns, useFakeTime } from './tools.ts'

const time = useFakeTime()

test('two ask each other at once, over one socket each', async () => {
  const network = new DatagramNetwork()
  const join = async (name: string) =>
    requests(await network.bind(name), { messages: 'text', answer: (data) => `${name} heard ${data}` })
  const [a, b] = [await join('a'), await join('b')]
  const asked = [a.request('1', { to: 'b' }), b.request('2', { to: 'a' }), a.request('3', { to: 'a' })]
  expect(await Promise.all(asked)).toEqual(['b heard 1', 'a heard 2', 'a heard 3'])
})

describe('nothing is answered but a request', () => {
  test('so that two that face each other never loop, whatever comes in the name of the other', async () => {
    const start = fc.constantFrom<number[]>([], [0xf5, 0x52, 1], [0xf5, 0x52, 1, 2], [0xf5, 0x52, 1, 3])
    const broken = fc
      .tuple(start, fc.uint8Array({ maxLength: 60 }))
      .map(([head, rest]) => Uint8Array.of(...head, ...rest))
    const whole = fc
      .tuple(fc.constantFrom('answer', 'failure', 'request'), fc.uint8Array({ maxLength: 30 }))
      .map(([kind, data]) => encodeMessage(kind, 'twelve bytes', data, 100))
    const all = fc.array(fc.oneof(broken, whole), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(all, async (datagrams) => {
        const network = new DatagramNetwork()
        const sockets = [await network.bind('a'), await network.bind('b')]
        const ours = sockets.map((socket) => requests(socket, { answer: (data) => data }))
        for (const [index, datagram] of datagrams.entries())
          sockets[index % 2]?.write(datagram, index % 2 === 0 ? 'b' : 'a')
        await turns(30)
        const { sent } = network.stats()
        let answered = 0
        for (const each of ours) answered += each.stats().executed + each.stats().repeated
        // One for each request at most, and then there is silence.
        expect(sent).toBe(datagrams.length + answered)
        expect(answered).toBeLessThanOrEqual(datagrams.length)
        await turns(30)
        expect(network.stats().sent).toBe(sent)
        for (const each of ours) {
          expect(each.state).toBe('open')
          each.destroy()
        }
      }),
      { numRuns: 50 },
    )
  })
})

test('a service that echoes everything gets one round, and then there is silence', async () => {
  const network = new DatagramNetwork()
  const echo = await network.bind('echo')
  echo.handle({ onDatagram: (data, from) => void echo.write(data, from) })
  const here = requests(await network.bind('here'), { messages: 'text', answer: () => 'from myself' })
  const asked = here.request('who is there?', { to: 'echo' })
  await turns(50)
  // There and back, the question and the answer: whoever asks an echo hears himself.
  expect(network.stats().sent).toBe(4)
  expect(await asked).toBe('from myself')
})

describe('what is not ours', () => {
  test('is given to who wants it; what it throws is told', async () => {
    const network = new DatagramNetwork()
    const heard: string[] = []
    const told: string[] = []
    const here = requests(await network.bind('here'), {
      onDatagram(data, from) {
        heard.push(`${from.name}: ${text(data)}`)
        if (heard.length === 1) throw new Error('no')
        return heard.length === 2 ? Promise.reject(new Error('nor this')) : undefined
      },
      onTrouble: async (error) => {
        told.push(error.message)
        throw new Error('nor here')
      },
    })
    const other = await network.bind('other')
    for (const data of ['one', 'two', 'three', '']) other.write(data, 'here')
    await turns()
    expect(heard).toEqual(['other: one', 'other: two', 'other: three', 'other: '])
    expect(told).toEqual(['Datagram handler failed: no', 'Datagram handler failed: nor this'])
    expect(here.stats()).toMatchObject({ stray: 4, malformed: 0 })
    expect(here.state).toBe('open')
  })

  test('is dropped and counted else, apart from what is broken', async () => {
    const network = new DatagramNetwork()
    const here = requests(await network.bind('here'))
    const other = await network.bind('other')
    const { heard } = raw(other)
    for (const datagram of ['f5520201', '00', 'f55201', 'f5520101', 'f55201090001']) {
      other.write(Buffer.from(datagram, 'hex'), 'here')
    }
    await turns()
    expect(here.stats()).toMatchObject({ stray: 2, malformed: 3, received: 0 })
    expect(heard).toEqual([])
  })
})

/** The clock of deadlines rests at its next tick. */
async function noTimers(): Promise<void> {
  await time.advance(tick)
  expect(vi.getTimerCount()).toBe(0)
}

describe('closing', () => {
  async function busy() {
    const network = new DatagramNetwork()
    const finish: (() => void)[] = []
    const server = requests(await network.bind('server'), {
      messages: 'text',
      answer: (data) => new Promise((resolve) => finish.push(() => resolve(`${data}!`))),
    })
    const client = requests(await network.bind('client'), { messages: 'text' })
    const asked = client.request('a', { to: 'server', backoff: { base: 100, cap: 100 }, retries: 50 })
    asked.catch(() => {})
    await turns()
    return { network, server, client, asked, finish }
  }

  test('is at once when nothing is at work, may be repeated, and closes the socket', async () => {
    const network = new DatagramNetwork()
    const socket = await network.bind('here')
    const here = requests(socket)
    expect(here.address).toEqual({ kind: 'memory', name: 'here' })
    await Promise.all([here.close(), here.close(), here[Symbol.asyncDispose]()])
    here.destroy(new Error('late'))
    expect([here.state, socket.state, await here.closed]).toEqual(['closed', 'closed', { kind: 'local' }])
    await expect(here.request('x', { to: 'there' })).rejects.toThrow(ClosedError)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('finishes what is at work, answers what was answered, and takes no more', async () => {
    const { server, client, asked, finish } = await busy()
    const waiting = server.request('x', { to: 'nobody' })
    const closed = server.close()
    expect(server.state).toBe('closing')
    await expect(waiting).rejects.toThrow(ClosedError)
    await expect(server.request('x', { to: 'client' })).rejects.toThrow(ClosedError)
    client.request('b', { to: 'server' }).catch(() => {})
    await turns()
    expect(server.stats()).toMatchObject({ executed: 1, refused: 1, running: 1 })
    finish[0]?.()
    await closed
    await turns()
    expect(await asked).toBe('a!')
    expect(await server.closed).toEqual({ kind: 'local' })
    client.destroy()
    await noTimers()
  })

  test('cuts what takes longer than its grace', async () => {
    const { server, client, finish } = await busy()
    const closed = server.close({ grace: 1_000 })
    await time.advance(999)
    expect(server.state).toBe('closing')
    await time.advance(2)
    await closed
    expect(server.state).toBe('closed')
    finish[0]?.()
    await turns()
    expect(server.stats()).toMatchObject({ running: 0, remembered: 0 })
    client.destroy()
  })

  test('may be overtaken by destroy, and not waited for', async () => {
    const { server, client } = await busy()
    const reason = new Error('enough')
    await expect(server.close({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(server.state).toBe('closing')
    server.destroy()
    expect(server.state).toBe('closed')
    await expect(server.close({ grace: -1 })).rejects.toThrow(RangeError)
    client.destroy()
    await noTimers()
  })

  test('in the middle of an answer is not a failure', async () => {
    const network = new DatagramNetwork()
    const server = requests(await network.bind('server'), {
      answer() {
        server.destroy()
        throw new Error('and then this')
      },
    })
    const client = requests(await network.bind('client'))
    const asked = client.request('a', { to: 'server', timeout: 1_000 })
    asked.catch(() => {})
    await time.advance(1_000)
    await expect(asked).rejects.toMatchObject({ phase: 'total' })
    expect(server.stats()).toMatchObject({ executed: 1, failed: 0, running: 0 })
  })
})

test.each<[string, Partial<Record<keyof RequestsOptions<MemoryAddress, Uint8Array>, unknown>>]>([
  ['messages', { messages: 'json' }],
  ['maxMessageSize', { maxMessageSize: 0 }],
  ['maxMessageSize', { maxMessageSize: 65_490 }],
  ['padTo', { padTo: -1 }],
  ['padTo', { padTo: 65_508 }],
  ['maxPending', { maxPending: Infinity }],
  ['maxConcurrent', { maxConcurrent: 0 }],
  ['answerTimeout', { answerTimeout: 1.5 }],
  ['memory', { memory: 5 }],
  ['memory.answers', { memory: { answers: 0 } }],
  ['memory.bytes', { memory: { bytes: '1' } }],
  ['memory.lifetime', { memory: { lifetime: Infinity } }],
  ['maxAmplification', { maxAmplification: 0.5 }],
  ['maxAmplification', { maxAmplification: '3' }],
  ['answer', { answer: 'yes' }],
  ['onDatagram', { onDatagram: {} }],
  ['onTrouble', { onTrouble: 1 }],
])('refuses by name what is wrong with %s: %j', async (name, options) => {
  const socket = await new DatagramNetwork().bind('here')
  expect(() => requests(socket, options as never)).toThrow(new RegExp(`Invalid options? (of )?${name}`))
  // It was not taken.
  expect(() => requests(socket)).not.toThrow()
})
