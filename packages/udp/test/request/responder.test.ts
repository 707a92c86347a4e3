import { DatagramNetwork, type MemoryAddress } from '@fairlead/core/memory'
import { describe, expect, test } from 'vitest'

import { requests, type RequestsOptions } from '../../src/request.ts'
import { overhead } from '../../src/request/answer-memory.ts'
import { encodeMessage, headerSize } from '../../src/request/message.ts'
import { raw, text, turns, useFakeTime } from './tools.ts'

const time = useFakeTime()

type Options = RequestsOptions<MemoryAddress, Uint8Array> & { messages?: 'binary' }

const idOf = (name: string): string => name.padEnd(12, '.')

/** One that answers, and a bare peer that asks. */
async function pair(options: Options = {}) {
  const network = new DatagramNetwork()
  const executed: string[] = []
  const troubles: string[] = []
  const answer = options.answer ?? ((data: Uint8Array) => `re: ${text(data)}`)
  const server = requests(await network.bind('server'), {
    onTrouble: (error) => void troubles.push(error.message),
    ...options,
    answer(data, from) {
      executed.push(text(data))
      return answer(data, from)
    },
  })
  const socket = await network.bind('client')
  const { heard, messages } = raw(socket)
  const ask = async (name: string, data = name, padTo = 406, from = socket): Promise<void> => {
    from.write(encodeMessage('request', idOf(name), Buffer.from(data), padTo), 'server')
    await turns()
  }
  const said = (): string[] =>
    messages().map(
      (message) => `${message?.kind} ${message?.id.replaceAll('.', '')} ${contentOf(message?.data)}`,
    )
  return { network, server, socket, executed, troubles, heard, ask, said }
}

const contentOf = (data: Uint8Array = new Uint8Array()): string =>
  data.byteLength === 1 ? String(data[0]) : text(data)

describe('a request that comes again', () => {
  test('is answered from memory, with the same bytes', async () => {
    const { server, ask, executed, heard, said } = await pair()
    await ask('a')
    await ask('a')
    await ask('b')
    await ask('a', 'other data')
    expect(executed).toEqual(['a', 'b'])
    expect(said()).toEqual(['answer a re: a', 'answer a re: a', 'answer b re: b', 'answer a re: a'])
    expect(heard[0]).toEqual(heard[1])
    expect(server.stats()).toMatchObject({ received: 4, executed: 2, repeated: 2, remembered: 2 })
  })

  test('is ignored while answer is at work on it', async () => {
    let finish: (answer: string) => void = () => {}
    const { server, ask, executed, said } = await pair({
      answer: () => new Promise((resolve) => (finish = resolve)),
    })
    await ask('a')
    await ask('a')
    await ask('a')
    expect(said()).toEqual([])
    expect(server.stats()).toMatchObject({ received: 3, executed: 1, inProgress: 2, running: 1 })
    finish('done')
    await turns()
    await ask('a')
    expect(executed).toEqual(['a'])
    expect(said()).toEqual(['answer a done', 'answer a done'])
    expect(server.stats()).toMatchObject({ repeated: 1, running: 0 })
  })

  test('with the same identifier from somebody else is another one', async () => {
    const { network, ask, executed } = await pair()
    const other = await network.bind('other')
    await ask('a')
    await ask('a', 'b', 406, other)
    expect(executed).toEqual(['a', 'b'])
  })

  test('is executed again when its time in memory is over, and the memory is empty in time', async () => {
    const { server, ask, executed } = await pair({ memory: { lifetime: 60_000 } })
    await ask('a')
    await time.advance(59_000, 1_000)
    await ask('a')
    await time.advance(59_000, 1_000)
    await ask('a')
    expect(executed).toEqual(['a'])
    await time.advance(60_000, 1_000)
    await ask('a')
    expect(executed).toEqual(['a', 'a'])
    await time.advance(125_000, 1_000)
    expect(server.stats()).toMatchObject({ remembered: 0, rememberedBytes: 0, forgotten: 0 })
  })

  test('is executed again when there was no room to remember it, and that is counted', async () => {
    const { server, ask, executed, troubles } = await pair({ memory: { answers: 3 } })
    for (const name of 'abcd') await ask(name)
    await ask('b')
    await ask('a')
    expect(executed).toEqual(['a', 'b', 'c', 'd', 'a'])
    expect(server.stats()).toMatchObject({ remembered: 3, forgotten: 2 })
    expect(server.stats().lastError).toMatchObject({ name: 'LimitError', limit: 'memory', value: 3 })
    // The first is told; the rest is counted.
    expect(troubles).toEqual([expect.stringMatching(/^Cannot remember answer: the memory is full/)])
  })

  test('and 5,000 others leave a memory of bounded bytes', async () => {
    const { server, socket } = await pair({ memory: { bytes: 10_000 }, answer: () => Buffer.alloc(500) })
    for (let i = 0; i < 5_000; i++) {
      socket.write(encodeMessage('request', idOf(String(i)), Buffer.alloc(0), 406), 'server')
      if (i % 500 === 0) await turns()
    }
    await turns()
    const { executed, remembered, rememberedBytes, forgotten } = server.stats()
    expect([executed, remembered, rememberedBytes]).toEqual([5_000, 11, 11 * (500 + headerSize + overhead)])
    expect(forgotten).toBe(4_989)
  })
})

describe('an answer that fails', () => {
  test.each<[string, Options, string, RegExp]>([
    ['throws', { answer: fail }, '1', /^Cannot answer: secret/],
    ['rejects', { answer: async () => fail() }, '1', /^Cannot answer: secret/],
    // oxlint-disable-next-line no-throw-literal
    ['throws nothing', { answer: () => raise(undefined) }, '1', /^Cannot answer: undefined/],
    ['is none', { answer: () => 5 as never }, '1', /number is neither/],
    ['is no text', { answer: () => Promise.resolve(undefined) as never }, '1', /undefined is neither/],
    ['is too large', { answer: () => Buffer.alloc(1_201) }, '2', /1201 bytes are more than maxMessageSize/],
    ['hides behind then', { answer: () => trap() as never }, '1', /Cannot answer: secret/],
  ])('because it %s is told here, not there, and remembered', async (_, options, code, message) => {
    const { server, ask, executed, troubles, said } = await pair(options)
    await ask('a')
    await ask('a')
    expect(executed).toEqual(['a'])
    expect(said()).toEqual([`failure a ${code}`, `failure a ${code}`])
    expect(troubles).toHaveLength(1)
    expect(troubles[0]).toMatch(message)
    expect(server.stats()).toMatchObject({ executed: 1, failed: 1, repeated: 1, running: 0 })
    expect(server.stats().lastError?.message).toMatch(message)
  })

  test('because it hangs costs a place until its time is over; what comes later is dropped', async () => {
    let finish: (answer: string) => void = () => {}
    const { server, ask, executed, troubles, said } = await pair({
      maxConcurrent: 1,
      answerTimeout: 1_000,
      answer: (data) => (text(data) === 'a' ? new Promise((resolve) => (finish = resolve)) : 'quick'),
    })
    await ask('a')
    await ask('b')
    expect(server.stats()).toMatchObject({ running: 1, refused: 1 })
    await time.advance(1_250)
    expect(said()).toEqual(['failure a 1'])
    expect(troubles).toEqual(['Cannot answer: no answer within 1000 ms'])
    expect(server.stats()).toMatchObject({ running: 0, failed: 1, lastError: { phase: 'handler' } })
    await ask('b')
    finish('late')
    await ask('a')
    expect(said()).toEqual(['failure a 1', 'answer b quick', 'failure a 1'])
    expect(executed).toEqual(['a', 'b'])
    expect(server.stats()).toMatchObject({ failed: 1, remembered: 2 })
  })
})

describe('a request is dropped', () => {
  test('when nobody answers here', async () => {
    const network = new DatagramNetwork()
    const server = requests(await network.bind('server'))
    const socket = await network.bind('client')
    const { heard } = raw(socket)
    socket.write(encodeMessage('request', idOf('a'), Buffer.from('?')), 'server')
    await turns()
    expect(heard).toEqual([])
    expect(server.stats()).toMatchObject({ received: 1, executed: 0, refused: 1 })
  })

  test('when too many are at work, and finds room when it comes again', async () => {
    const finish: (() => void)[] = []
    const { server, ask, executed, said } = await pair({
      maxConcurrent: 2,
      answer: (data) => new Promise((resolve) => finish.push(() => resolve(data))),
    })
    for (const name of 'abcd') await ask(name)
    expect(server.stats()).toMatchObject({ running: 2, refused: 2 })
    finish[0]?.()
    await turns()
    await ask('d')
    expect(executed).toEqual(['a', 'b', 'd'])
    expect(said()).toEqual(['answer a 97'])
    const { received, executed: calls, repeated, inProgress, refused } = server.stats()
    expect(received).toBe(calls + repeated + inProgress + refused)
  })
})

describe('an answer much larger than its request', () => {
  test('is held back, and a failure sent, whoever asks and however it comes to be', async () => {
    const { server, ask, heard, said } = await pair({ answer: () => Buffer.alloc(1_200, 'x') })
    await ask('small', '', 0)
    expect(said()).toEqual(['failure small 3'])
    await ask('large', '', 406)
    expect(heard[1]?.byteLength).toBe(1_218)
    // With the identifier of a large request, so that it is answered from memory.
    await ask('large', '', 405)
    await ask('large', '', 0)
    expect(said().slice(2)).toEqual(['failure large 3', 'failure large 3'])
    expect(heard[3]?.byteLength).toBe(19)
    expect(server.stats()).toMatchObject({ withheld: 3, failed: 0, executed: 2 })
    // The other way round, the answer is there.
    await ask('small', '', 406)
    expect(heard[4]?.byteLength).toBe(1_218)
    expect(server.stats()).toMatchObject({ executed: 2 })
  })

  test('is sent where the limit is lifted', async () => {
    const { ask, heard } = await pair({ maxAmplification: Infinity, answer: () => Buffer.alloc(1_200) })
    await ask('small', '', 0)
    expect(heard[0]?.byteLength).toBe(1_218)
  })

  test('is never more than three times the bytes that came, over many repetitions', async () => {
    const { socket, heard } = await pair({ answer: (data) => Buffer.alloc((data[0] ?? 0) * 5) })
    let sent = 0
    for (let i = 0; i < 500; i++) {
      const padTo = (i * 37) % 500
      const datagram = encodeMessage('request', idOf(String(i % 100)), Uint8Array.of(i % 100), padTo)
      sent += datagram.byteLength
      socket.write(datagram, 'server')
      await turns(3)
    }
    await turns()
    expect(heard).toHaveLength(500)
    let received = 0
    for (const { byteLength } of heard) received += byteLength
    expect(received).toBeLessThan(3 * sent)
  })
})

function fail(): never {
  throw new Error('secret')
}

function raise(thrown: unknown): never {
  throw thrown
}

function trap(): object {
  return new Proxy({}, { get: fail })
}
