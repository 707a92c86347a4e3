import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { ClosedError, LimitError, ListenError, SocketError } from '../../src/errors.ts'
import { type DatagramConditions, DatagramNetwork, type MemoryDatagramSocket } from '../../src/memory.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** So many turns that the network is at rest, whatever was held back. */
async function rest(): Promise<void> {
  for (let count = 0; count < 10; count++) await turn()
}

/** What a handler hears, as text. */
function heard(socket: MemoryDatagramSocket): string[] {
  const texts: string[] = []
  socket.handle({ onDatagram: (data) => void texts.push(Buffer.from(data).toString()) })
  return texts
}

async function bound(...parameters: ConstructorParameters<typeof DatagramNetwork>) {
  const network = new DatagramNetwork(...parameters)
  return { network, here: await network.bind('here'), there: await network.bind('there') }
}

describe('delivery', () => {
  test('comes in a later turn, in order, with the address of the sender', async () => {
    const { here, there } = await bound()
    const got: unknown[] = []
    there.handle({
      onDatagram(data, from) {
        got.push([Buffer.from(data).toString(), from])
        there.write('back', from)
      },
    })
    const back = heard(here)
    here.write('one', 'there')
    await here.send(Buffer.from('two'), there.address)
    expect(got).toEqual([])
    await rest()
    expect(got).toEqual([
      ['one', { kind: 'memory', name: 'here' }],
      ['two', { kind: 'memory', name: 'here' }],
    ])
    expect(back).toEqual(['back', 'back'])
  })

  test('waits for a reader, and goes on with the next one', async () => {
    const { here, there } = await bound()
    for (const text of ['one', 'two', 'three']) here.write(text, 'there')
    await rest()
    for await (const { data } of there) {
      expect(Buffer.from(data).toString()).toBe('one')
      break
    }
    const texts = heard(there)
    await rest()
    expect(texts).toEqual(['two', 'three'])
  })

  test('gives each receiver bytes of its own', async () => {
    const { here, there } = await bound({ duplication: 1 })
    const got: Uint8Array[] = []
    there.handle({ onDatagram: (data) => void got.push(data.fill(data[0]! + 1)) })
    const data = Buffer.from([1, 1])
    here.write(data, 'there')
    data.fill(7)
    await rest()
    expect(got).toEqual([Buffer.from([2, 2]), Buffer.from([2, 2])])
  })
})

describe('conditions', () => {
  test('lose, double and reorder', async () => {
    const { network, here, there } = await bound({ loss: 1 })
    const texts = heard(there)
    here.write('lost', 'there')
    network.change({ loss: 0, duplication: 1 })
    here.write('twice', 'there')
    await rest()
    expect(texts).toEqual(['twice', 'twice'])
    network.change({ duplication: 0, reordering: 0.5 })
    const sent = Array.from({ length: 50 }, (_, index) => String(index))
    for (const text of sent) here.write(text, 'there')
    await rest()
    const late = texts.slice(2)
    expect(late).not.toEqual(sent)
    expect(late.toSorted((a, b) => Number(a) - Number(b))).toEqual(sent)
    expect(network.stats()).toEqual({ sent: 52, duplicated: 1, delivered: 52, lost: 1, dropped: 0 })
  })

  test('refuse what is larger than the mtu, and take what is not', async () => {
    const { network, here, there } = await bound({ mtu: 4 })
    const texts = heard(there)
    here.write('1234', 'there')
    expect(() => here.write('12345', 'there')).toThrow(LimitError)
    await expect(here.send('12345', 'there')).rejects.toMatchObject({ limit: 'mtu', value: 5 })
    await rest()
    expect(texts).toEqual(['1234'])
    expect(network.stats().sent).toBe(1)
  })

  test('drop the newest when the queue is full, under way or unread', async () => {
    const { network, here, there } = await bound({ queue: 3 })
    for (const text of ['1', '2']) here.write(text, 'there')
    await rest()
    for (const text of ['3', '4', '5']) here.write(text, 'there')
    expect(network.stats().dropped).toBe(2)
    const texts = heard(there)
    await rest()
    expect(texts).toEqual(['1', '2', '3'])
    here.write('6', 'there')
    await rest()
    expect(texts.at(-1)).toBe('6')
  })

  test.each<[DatagramConditions, string]>([
    [{ loss: 1.1 }, 'Invalid option loss: 1.1 is not a probability'],
    [{ duplication: -0.1 }, 'Invalid option duplication: -0.1 is not a probability'],
    [{ reordering: Number.NaN }, 'Invalid option reordering: NaN is not a probability'],
    [{ mtu: 1.5 }, 'Invalid option mtu: 1.5 is not a count'],
    [{ queue: -1 }, 'Invalid option queue: -1 is not a count'],
  ])('out of range are refused: %o', (conditions, message) => {
    expect(() => new DatagramNetwork(conditions)).toThrow(new RangeError(message))
    const network = new DatagramNetwork()
    expect(() => network.change(conditions)).toThrow(new RangeError(message))
  })

  test('a seed that is no integer is refused', () => {
    expect(() => new DatagramNetwork({}, 0.5)).toThrow('Invalid option seed: 0.5 is not an integer')
  })
})

const probability = fc.double({ min: 0, max: 1, noNaN: true })
const conditions = fc.record({
  loss: probability,
  duplication: probability,
  reordering: probability,
  queue: fc.nat(40),
})

/** Sends numbered datagrams to somebody who reads, somebody who does not, and nobody. */
async function play(seed: number, bad: DatagramConditions, count: number) {
  const { network, here, there } = await bound(bad, seed)
  const deaf = await network.bind('deaf')
  const texts = heard(there)
  for (let index = 0; index < count; index++) {
    here.write(String(index), ['there', 'deaf', 'nobody'][index % 3]!)
    if (index % 10 === 0) await turn()
  }
  await rest()
  deaf.destroy()
  return { texts, stats: network.stats() }
}

describe('the books', () => {
  test('balance: sent and duplicated are delivered, lost or dropped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), conditions, fc.nat(100), async (seed, bad, count) => {
        const { stats, texts } = await play(seed, bad, count)
        expect(stats.sent).toBe(count)
        expect(stats.delivered).toBe(texts.length)
        expect(stats.sent + stats.duplicated).toBe(stats.delivered + stats.lost + stats.dropped)
      }),
      { numRuns: 50 },
    )
  })

  test('are the same for the same seed, and others for another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), conditions, async (seed, bad) => {
        expect(await play(seed, bad, 60)).toEqual(await play(seed, bad, 60))
      }),
      { numRuns: 20 },
    )
    const bad = { loss: 0.5 }
    expect((await play(1, bad, 60)).texts).not.toEqual((await play(2, bad, 60)).texts)
  })

  test('come near the probabilities asked for', async () => {
    for (const seed of [0, 1, 2, -3, Number.MAX_SAFE_INTEGER]) {
      const { network, here } = await bound({ loss: 0.25, duplication: 0.5, queue: 0 }, seed)
      for (let index = 0; index < 4_000; index++) here.write('', 'there')
      const { lost, duplicated } = network.stats()
      expect(lost).toBeGreaterThan(850)
      expect(lost).toBeLessThan(1_150)
      expect(duplicated).toBeGreaterThan(1_350)
      expect(duplicated).toBeLessThan(1_650)
    }
  })
})

describe('the life of a socket', () => {
  const states: Record<string, (here: MemoryDatagramSocket, there: MemoryDatagramSocket) => unknown> = {
    'nobody reads': () => {},
    'datagrams are unread': async (here, there) => {
      there.write('unread', here.address)
      await rest()
    },
    'datagrams are under way, both ways': (here, there) => {
      there.write('in', here.address)
      here.write('out', there.address)
    },
    'it is handled': (here) => here.handle({ onDatagram() {} }),
    'it is closed': (here) => here.close(),
    'it is destroyed': (here) => here.destroy(),
  }

  describe.each(Object.entries(states))('when %s', (_, prepare) => {
    test.each(['close', 'destroy', 'fail'] as const)('ends once: %s', async (act) => {
      const { network, here, there } = await bound()
      await prepare(here, there)
      const before = here.state
      const reasons: unknown[] = []
      if (act === 'close') await here.close()
      else here.destroy(act === 'fail' ? new Error('out of spite') : undefined)
      here.handle({ onDatagram: () => void reasons.push('input'), onClose: (it) => void reasons.push(it) })
      expect(here.state).toBe('closed')
      const reason = await here.closed
      expect(reason.kind).toBe(act === 'fail' && before === 'open' ? 'error' : 'local')
      here.destroy(new Error('too late'))
      await here.close()
      await rest()
      expect(reasons).toEqual([reason])
      expect(() => here.write('late', 'there')).toThrow(ClosedError)
      await expect(here.send('late', 'there')).rejects.toThrow('Cannot send: socket is closed')
      there.destroy()
      const { sent, duplicated, delivered, lost, dropped } = network.stats()
      expect(sent + duplicated).toBe(delivered + lost + dropped)
    })
  })

  test('ends an iteration quietly when closed, and with what destroyed it', async () => {
    const { here, there } = await bound()
    const [quiet, loud] = [here[Symbol.asyncIterator]().next(), there[Symbol.asyncIterator]().next()]
    await here[Symbol.asyncDispose]()
    there.destroy(new Error('out of spite'))
    expect(await quiet).toEqual({ value: undefined, done: true })
    await expect(loud).rejects.toThrow('Socket destroyed: out of spite')
  })

  test('a name is taken until its socket is closed', async () => {
    const { network, here } = await bound()
    await expect(network.bind('here')).rejects.toThrow(ListenError)
    await expect(network.bind('here')).rejects.toThrow('Cannot bind memory:here: name is in use')
    await here.close()
    expect((await network.bind('here')).address).toEqual({ kind: 'memory', name: 'here' })
  })

  test('what was sent before a close arrives, and what was for the old socket is not for the new', async () => {
    const { network, here, there } = await bound()
    const texts = heard(there)
    here.write('last', 'there')
    there.write('for the old one', 'here')
    await here.close()
    const again = heard(await network.bind('here'))
    await rest()
    expect([texts, again]).toEqual([['last'], []])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('out of spite')
      },
    ],
    ['rejects', () => Promise.reject(new Error('out of spite'))],
  ])('a handler that %s costs its socket', async (_, onDatagram) => {
    const { here, there } = await bound()
    there.handle({ onDatagram })
    here.write('a', 'there')
    const reason = await there.closed
    expect(reason.kind === 'error' && SocketError.is(reason.error)).toBe(true)
    expect(here.state).toBe('open')
  })

  test('what is neither bytes nor text is refused', async () => {
    const { here } = await bound()
    expect(() => here.write(5 as never, 'there')).toThrow(TypeError)
    expect(() => here.close({ grace: -1 })).toThrow(RangeError)
    expect(here.state).toBe('open')
  })
})
