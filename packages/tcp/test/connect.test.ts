import { once } from 'node:events'
import { connect as open, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

import { ConnectError, TimeoutError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { portOf } from './harness.ts'

async function freePort(): Promise<number> {
  const listener = await tcp.listen({ port: 0 })
  await listener.close()
  return portOf(listener)
}

describe('connect', () => {
  test('says who refused', async () => {
    const port = await freePort()
    const error = await tcp.connect({ port }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({
      message: `Cannot connect to 127.0.0.1:${port}: connection refused`,
      code: 'ERR_FAIRLEAD_CONNECT',
      retryable: true,
      attempts: [{ address: { host: '127.0.0.1', port }, phase: 'connect', code: 'ECONNREFUSED' }],
    })
  })

  test('leaves one record for each address of a name', async () => {
    const port = await freePort()
    const error = await tcp.connect({ host: 'localhost', port }).catch((reason: unknown) => reason)
    const { attempts } = error as ConnectError
    expect(attempts.length).toBeGreaterThan(0)
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ phase: 'connect', code: 'ECONNREFUSED', address: { port } })
      expect(attempt.duration).toBeGreaterThanOrEqual(0)
    }
  })

  test('says that a name does not exist', async () => {
    await expect(tcp.connect({ host: 'nobody.invalid', port: 1 })).rejects.toThrow(
      /Cannot connect to nobody\.invalid:1/,
    )
  })

  test('rethrows the reason of a signal, before and during', async () => {
    const reason = new Error('enough')
    await expect(tcp.connect({ port: 1, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await using listener = await tcp.listen({ port: 0 })
    const abort = new AbortController()
    const connecting = tcp.connect({ port: portOf(listener), signal: abort.signal })
    abort.abort(reason)
    await expect(connecting).rejects.toBe(reason)
  })

  test('a signal means nothing once connected', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const abort = new AbortController()
    const connection = await tcp.connect({ port: portOf(listener), signal: abort.signal })
    abort.abort()
    expect(connection.state).toBe('open')
    connection.destroy()
  })

  test('gives up after connectTimeout when the system of the peer does not answer', async () => {
    const { worker, port, fillers } = await deafServer()
    try {
      const error = await tcp.connect({ port, connectTimeout: 100 }).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(TimeoutError)
      expect(error).toMatchObject({ phase: 'connect', retryable: true })
    } finally {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    }
  })

  test('refuses bad options at the call, by name', async () => {
    await expect(tcp.connect({})).rejects.toThrow(/option port/)
    await expect(tcp.connect({ port: 0 })).rejects.toThrow(RangeError)
    await expect(tcp.connect({ port: 1, connectTimeout: -1 })).rejects.toThrow(/option connectTimeout/)
    await expect(tcp.connect({ path: '' })).rejects.toThrow(/option path/)
  })
})

/** A server that listens and never accepts, with its queue full, so that the next one gets no answer at all. */
async function deafServer(): Promise<{ worker: Worker; port: number; fillers: Socket[] }> {
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       require('node:worker_threads').parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true },
  )
  const [port] = (await once(worker, 'message')) as [number]
  const fillers: Socket[] = []
  // A queue of one holds two on Linux; more are tried until one is not answered.
  for (let count = 0; count < 2; count++) {
    const filler = open({ port, host: '127.0.0.1' })
    filler.on('error', () => {})
    fillers.push(filler)
    await once(filler, 'connect')
  }
  return { worker, port, fillers }
}
