import { randomInt } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'

import { BrokenError, type CloseReason, ConnectError, lines, type Listener } from '@fairlead/core'
import { reconnect as reconnectBy } from '@fairlead/core/reconnect'
import * as tcp from '@fairlead/tcp'
import { reconnect } from '@fairlead/tcp/reconnect'
import { afterEach, describe, expect, test } from 'vitest'

import { portOf, textOf } from '../harness.ts'

/** Delays of next to nothing, without end. */
const quick = { base: 1, cap: 2, maxAttempts: 1_000_000 }
/** Longer than any test. */
const long = { base: 2_000_000_000, cap: 2_000_000_000, random: () => 0.5 }
const ignore = { onData() {} }
const echo = (connection: tcp.StreamConnection) => ({
  onData: (chunk: Uint8Array) => void connection.write(chunk),
})

/** A port of this machine on which nobody listens. */
async function freePort(): Promise<number> {
  const listener = await tcp.listen({ port: 0 })
  await listener.close()
  return portOf(listener)
}

/** The next connection that a listener without a callback is given. */
async function next(listener: Listener<tcp.StreamConnection>): Promise<tcp.StreamConnection> {
  for await (const connection of listener) return connection
  throw new Error('nobody came')
}

/** What keeps this process alive of that which a client or a listener makes. */
function held(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /^(?:TCP|GetAddrInfo)/.test(kind))
}

// Whatever a test did, nothing that it made is left over.
afterEach(async () => {
  const end = performance.now() + 5_000
  while (held().length > 0 && performance.now() < end) await turn()
  expect(held()).toEqual([])
})

describe('reconnect over TCP', () => {
  test('comes back when the server is suspended, its connections are cut, and it resumes', async () => {
    await using listener = await tcp.listen({ port: 0 }, echo)
    const answers: string[] = []
    const client = reconnect(
      { port: portOf(listener), backoff: quick, stableAfter: 0 },
      (connection, attempt) => {
        connection.write(`${attempt}`)
        return { onData: (chunk) => void answers.push(Buffer.from(chunk).toString()) }
      },
    )
    await expect.poll(() => answers).toEqual(['1'])
    for (let count = 2; count <= 4; count++) {
      await listener.suspend()
      for (const connection of listener.connections) connection.destroy()
      await expect.poll(() => client.connection).toBeUndefined()
      await listener.resume()
      await expect.poll(() => answers.length).toBe(count)
    }
    expect(Number(answers.at(-1))).toBeGreaterThan(1)
    await client.close()
  })

  test('comes back when the server is closed in good order, and another one listens on its port', async () => {
    const first = await tcp.listen({ port: 0 }, echo)
    const port = portOf(first)
    const reasons: CloseReason[] = []
    const client = reconnect(
      { port, backoff: quick, onRetry: (_, reason) => void reasons.push(reason) },
      () => ignore,
    )
    await expect.poll(() => first.connections.size).toBe(1)
    await first.close()
    await using second = await tcp.listen({ port }, echo)
    await expect.poll(() => second.connections.size).toBe(1)
    expect(reasons[0]).toEqual({ kind: 'remote' })
    for (const reason of reasons.slice(1)) expect(reason).toMatchObject({ error: { name: 'ConnectError' } })
    await client.close()
  })

  test('waits for a server that is not there yet, with what is to be sent', async () => {
    const port = await freePort()
    let tries = 0
    const client = reconnect({
      port,
      backoff: quick,
      whileDisconnected: 'wait',
      onRetry: () => void tries++,
    })
    const sent = client.send('early')
    await expect.poll(() => tries).toBeGreaterThan(2)
    await using listener = await tcp.listen({ port })
    const server = await next(listener)
    await sent
    server.handle(ignore)
    await client.close()
    expect(await client.closed).toEqual({ kind: 'local' })
  })

  test('cut at any byte, each connection brings a beginning of the whole, and the last one all of it', async () => {
    const whole = Array.from({ length: 500 }, (_, count) => `line ${count}\n`).join('')
    let cuts = 25
    await using listener = await tcp.listen({ port: 0 }, (connection) => {
      const length = cuts-- > 0 ? randomInt(whole.length) : whole.length
      const reset = length % 2 === 0
      void connection.send(whole.slice(0, length)).then(() => {
        if (reset && length < whole.length) connection.destroy()
        else connection.end()
      })
      return { onData() {}, onEnd() {} }
    })
    const client = reconnect({ port: portOf(listener), backoff: quick, stableAfter: 0 })
    let text = ''
    for await (const connection of client) {
      text = ''
      // A reset is thrown to the reader; the next connection begins again.
      try {
        for await (const chunk of connection) text += Buffer.from(chunk).toString()
      } catch (error) {
        expect(error).toBeInstanceOf(BrokenError)
      }
      expect(whole.startsWith(text)).toBe(true)
      if (text.length === whole.length) break
    }
    expect(cuts).toBe(-1)
    client.destroy()
  })

  test('sends that a cut caught reject with a code, and are not made again', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const client = reconnect(
      { port: portOf(listener), backoff: quick, whileDisconnected: 'wait' },
      () => ignore,
    )
    const first = await next(listener)
    await expect.poll(() => client.connection?.state).toBe('open')
    const sends = [client.send(Buffer.alloc(8_000_000, 'a')), client.send('b'), client.send('c')]
    first.destroy()
    for (const sent of sends) {
      const error = await sent.catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(BrokenError)
      expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_BROKEN', retryable: false })
    }
    const second = await next(listener)
    await client.send('d')
    const closing = client.close()
    expect(await textOf(second)).toBe('d')
    await second.close()
    await closing
  })

  test('a send while nobody is there rejects at once, and may be tried again', async () => {
    const client = await new Promise<ReturnType<typeof reconnect>>((resolve, reject) => {
      freePort().then((port) => {
        const made = reconnect({ port, backoff: long, onRetry: () => resolve(made) })
      }, reject)
    })
    const error = (await client.send('x').catch((reason: unknown) => reason)) as BrokenError
    expect(error).toBeInstanceOf(BrokenError)
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_BROKEN', retryable: true })
    expect(error.cause).toMatchObject({ attempts: [{ code: 'ECONNREFUSED' }] })
    client.destroy()
  })

  test('gives up with the last ConnectError', async () => {
    const port = await freePort()
    const client = reconnect({ port, backoff: { ...quick, maxAttempts: 3 } })
    const reason = await client.closed
    expect(reason).toMatchObject({ kind: 'error', error: { attempts: [{ code: 'ECONNREFUSED' }] } })
    expect((reason as { error: Error }).error).toBeInstanceOf(ConnectError)
    await expect(client.send('x')).rejects.toThrow(/^Cannot send: Cannot connect to 127\.0\.0\.1:/)
  })

  test('a handler that throws costs its connection only', async () => {
    let spite = 3
    await using listener = await tcp.listen({ port: 0 }, (connection) => {
      connection.write('boo')
      return ignore
    })
    const client = reconnect({ port: portOf(listener), backoff: quick }, () => ({
      onData() {
        if (spite-- > 0) throw new Error('out of spite')
        void client.close()
      },
    }))
    expect(await client.closed).toEqual({ kind: 'local' })
    expect(spite).toBe(-1)
  })

  test('over lines, the same client sends messages', async () => {
    await using listener = await tcp.listen({ port: 0 }, echo)
    const port = portOf(listener)
    const client = reconnectBy(async ({ signal }) => lines(await tcp.connect({ port, signal })), {
      backoff: quick,
      stableAfter: 0,
      whileDisconnected: 'wait',
    })
    void client.send('one')
    const heard: string[] = []
    for await (const connection of client) {
      for await (const line of connection) {
        heard.push(line)
        if (line === 'one') {
          connection.destroy()
          void client.send('two')
        } else void client.close()
      }
    }
    expect(heard).toEqual(['one', 'two'])
  })
})

describe('ending', () => {
  const enough = new Error('enough')
  /** A resolver that never answers. */
  const lookup = (): Promise<never> => new Promise(() => {})

  test('close, destroy and abort while connecting', async () => {
    const abort = new AbortController()
    const options = { host: 'nobody.invalid', port: 1, lookup }
    const clients = [reconnect(options), reconnect(options), reconnect({ ...options, signal: abort.signal })]
    await clients[0]?.close()
    clients[1]?.destroy()
    abort.abort(enough)
    for (const client of clients) expect(await client.closed).toEqual({ kind: 'local' })
  })

  test('close, destroy and abort while waiting', async () => {
    const port = await freePort()
    const abort = new AbortController()
    let waiting = 0
    const options = { port, backoff: long, onRetry: () => void waiting++ }
    const clients = [reconnect(options), reconnect(options), reconnect({ ...options, signal: abort.signal })]
    await expect.poll(() => waiting).toBe(3)
    await clients[0]?.close()
    clients[1]?.destroy()
    abort.abort(enough)
    for (const client of clients) expect(await client.closed).toEqual({ kind: 'local' })
  })

  test('close, destroy and abort while connected', async () => {
    await using listener = await tcp.listen({ port: 0 }, echo)
    const abort = new AbortController()
    const options = { port: portOf(listener), backoff: quick }
    const closed = reconnect(options, () => ignore)
    const destroyed = reconnect(options, () => ignore)
    const aborted = reconnect({ ...options, signal: abort.signal }, () => ignore)
    await expect.poll(() => [closed, destroyed, aborted].every((client) => client.connection)).toBe(true)
    await expect.poll(() => listener.connections.size).toBe(3)
    await closed.close()
    destroyed.destroy()
    abort.abort(enough)
    expect([await closed.closed, await destroyed.closed]).toEqual([{ kind: 'local' }, { kind: 'local' }])
    await expect.poll(() => listener.connections.size).toBe(1)
    // The connection that stands is left alone, and is the last one.
    await aborted.send('still here')
    expect(aborted.state).toBe('open')
    for (const connection of listener.connections) connection.destroy()
    expect(await aborted.closed).toMatchObject({ kind: 'error', error: { name: 'BrokenError' } })
  })

  test('bad options are refused at the call, by name', () => {
    expect(() => reconnect({})).toThrow(/option port/)
    expect(() => reconnect({ port: 1, connectTimeout: -1 })).toThrow(/option connectTimeout/)
    expect(() => reconnect({ port: 1, backoff: { cap: 0 } })).toThrow(/option cap/)
    expect(() => reconnect({ port: 1, signal: AbortSignal.abort(enough) })).toThrow(enough)
  })
})
