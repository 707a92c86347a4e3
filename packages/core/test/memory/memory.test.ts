import { describe, expect, test } from 'vitest'

import { ConnectError, ListenError } from '../../src/errors.ts'
import { connect, connectBytes, listen, listenBytes, messagePair, pair } from '../../src/memory.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('pair', () => {
  test('ties two ends to each other', async () => {
    const [here, there] = pair()
    expect(here.remoteAddress).toEqual(there.localAddress)
    expect(there.remoteAddress).toEqual(here.localAddress)
    expect(pair()[0].localAddress).not.toEqual(here.localAddress)
    here.write('ahøy')
    here.end()
    const chunks: Uint8Array[] = []
    for await (const chunk of there) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe('ahøy')
  })

  test('writes text in the encoding asked for', async () => {
    const [here, there] = pair()
    here.write('ø', 'latin1')
    for await (const chunk of there) {
      expect([...chunk]).toEqual([0xf8])
      break
    }
  })

  test('delivers in a later turn, in order, while what is written meanwhile waits for the next', async () => {
    const [here, there] = messagePair<number>()
    const heard: number[] = []
    there.handle({
      onData(message) {
        heard.push(message)
        if (message < 3) here.write(message + 10)
      },
    })
    await turn()
    for (const message of [1, 2]) here.write(message)
    expect(heard).toEqual([])
    await turn()
    expect(heard).toEqual([1, 2])
    await turn()
    expect(heard).toEqual([1, 2, 11, 12])
  })

  test('hands messages over as they are', async () => {
    const [here, there] = messagePair<object>()
    const message = { text: 'ahoy' }
    here.write(message)
    for await (const got of there) {
      expect(got).toBe(message)
      break
    }
  })
})

describe('buffered', () => {
  test('counts what the other end has not taken, corked or not', async () => {
    const [here, there] = pair()
    here.write('12345')
    here.cork()
    here.write('678')
    expect(here.buffered).toBe(8)
    here.uncork()
    expect(here.buffered).toBe(8)
    there.handle({ onData() {} })
    await turn()
    await turn()
    expect(here.buffered).toBe(0)
  })
})

describe('names', () => {
  test('are claimed once, and shared by bytes and messages', async () => {
    await using listener = await listen('taken', () => {})
    expect(listener.address).toEqual({ kind: 'memory', name: 'taken' })
    await expect(listen('taken')).rejects.toThrow(ListenError)
    await expect(listenBytes('taken')).rejects.toThrow('Cannot listen on memory:taken: name is in use')
  })

  test('that nobody listens on cannot be connected to', async () => {
    await expect(connect('nobody')).rejects.toThrow(ConnectError)
    await expect(connectBytes('nobody')).rejects.toThrow('Cannot connect to memory:nobody: nobody listens')
  })

  test('a suspended listener whose name was taken meanwhile cannot resume, and still closes', async () => {
    const first = await listen('contested', () => {})
    await first.suspend()
    const second = await listen('contested', () => {})
    await expect(first.resume()).rejects.toThrow(ListenError)
    expect(first.accepting).toBe(false)
    await first.close()
    const client = await connect('contested')
    expect(second.connections.size).toBe(1)
    client.destroy()
    await second.close({ grace: 0 })
  })

  test('bytes do not connect to messages', async () => {
    const reasons: unknown[] = []
    const listener = await listen('messages', () => ({ onData: (message) => void reasons.push(message) }))
    await expect(connectBytes('messages')).rejects.toThrow(ConnectError)
    await listener.close({ grace: 0 })
    expect(reasons).toEqual([])
  })
})
