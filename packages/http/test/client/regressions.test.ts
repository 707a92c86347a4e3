import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'

import { type ByteConnection, BusyError } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'
import { describe, expect, test } from 'vitest'

import { Client, clientChannels, type IncomingResponse } from '../../src/index.ts'
import { watchStrays } from '../faults/harness.ts'
import { quiet, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, rawWays, standing, watch } from './raw-server.ts'

watchStrays()

describe.each(rawWays)('over $name, a body that goes on behind its answer', (way) => {
  const ends: [string, string, (peer: { end(): void; reset(): void; write(text: string): void }) => void][] =
    [
      ['reset', '', (peer) => peer.reset()],
      ['ended', '', (peer) => peer.end()],
      ['closed as it said', 'Connection: close', (peer) => peer.end()],
      ['spoiled by bytes that nobody asked for', '', (peer) => peer.write('junk')],
    ]
  test.each(ends)('leaves nothing behind on a connection that is %s', async (_how, field, end) => {
    let cancelled = 0
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('first')),
      cancel: () => void cancelled++,
    })
    const gone = new AbortController()
    await using server = await way.open()
    await using client = server.client()
    const asking = client.request('/', { method: 'POST', body, signal: gone.signal })
    const peer = await server.peer()
    await until(() => peer.text.includes('first'))
    peer.write(answer('done', ...(field === '' ? [] : [field])))
    expect(await (await asking).text()).toBe('done')
    expect(client.stats().active).toBe(1)
    end(peer)
    await until(() => client.stats().active === 0)
    await until(() => peer.gone)
    expect([cancelled, getEventListeners(gone.signal, 'abort').length, standing(client)]).toEqual([
      1,
      0,
      nothing,
    ])
    // It was answered: whatever becomes of the rest of its body is nobody's failure.
    expect(client.stats()).toMatchObject({ requests: 1, retries: 0 })
  })
})

describe('what comes behind an answer in the same read is nobody’s answer', () => {
  const body = gzipSync('one')
  const twice = (): Buffer => {
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.byteLength}\r\n\r\n`
    return Buffer.concat([Buffer.from(head), body, Buffer.from(answer('stray'))])
  }

  test('not even of a request that is made by onDownload, where requests are pipelined', async () => {
    await using server = await raw.open((asked, peer) => {
      if (asked.target === '/one') return peer.write(twice())
      return answer(asked.target)
    })
    await using client = server.client({ maxConnections: 1, pipelining: 4 })
    await (await client.request('/warm')).text()
    let next: Promise<IncomingResponse> | undefined
    const one = await client.request('/one', {
      onDownload: () => (next ??= client.request('/next')) as never,
    })
    expect(await one.text()).toBe('one')
    expect(await (await next!).text()).toBe('/next')
  })

  test('nor of one that is made by who hears of its end', async () => {
    await using server = await raw.open((asked) =>
      asked.target === '/one' ? answer('one') + answer('stray') : answer(asked.target),
    )
    await using client = server.client({ maxConnections: 1, pipelining: 4 })
    await (await client.request('/warm')).text()
    let next: Promise<IncomingResponse> | undefined
    const listener = (): void => void (next ??= client.request('/next'))
    clientChannels.end.subscribe(listener)
    try {
      expect(await (await client.request('/one')).text()).toBe('one')
      expect(await (await next!).text()).toBe('/next')
    } finally {
      clientChannels.end.unsubscribe(listener)
    }
  })
})

describe('a second reader', () => {
  const opened = async (): Promise<[IncomingResponse, () => void, () => Promise<void>]> => {
    const server = await raw.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst'),
    )
    const client = server.client()
    const got = await client.request('/')
    const rest = (): void => server.peers[0]!.write('other')
    return [got, rest, async () => (await client.close(), server[Symbol.asyncDispose]())]
  }

  test('takes nothing away from the first', async () => {
    const [got, rest, close] = await opened()
    const text = got.text()
    expect(got.body.taken).toBe(true)
    expect(() => got.body[Symbol.asyncIterator]()).toThrow(BusyError)
    rest()
    expect(await text).toBe('firstother')
    expect(got.body.complete).toBe(true)
    await close()
  })

  test('stops nothing of what the first one reads', async () => {
    const [got, rest, close] = await opened()
    const text = got.text()
    got.body.pause()
    await quiet()
    rest()
    expect(await text).toBe('firstother')
    await close()
  })

  test('that discards cuts the first one off, and does not end its body', async () => {
    const [got, rest, close] = await opened()
    const text = failure(got.text())
    got.discard()
    rest()
    expect(await text).toMatchObject({ message: expect.stringContaining('discarded') as string })
    await close()
  })
})

describe('a hook that connects', () => {
  test('and gives nothing once it is too late, costs its request', async () => {
    const gone = new AbortController()
    await using client = new Client({
      connect: ({ signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined as never))),
    })
    const asked = failure(client.request('http://a.example', { signal: gone.signal }))
    await quiet()
    gone.abort('enough')
    expect(await asked).toBe('enough')
  })

  test('and gives what cannot be handled, costs its request', async () => {
    await using client = new Client({
      connect: async () =>
        ({
          state: 'open',
          handle() {
            throw new Error('not to be handled')
          },
          destroy() {},
        }) as never,
    })
    expect((await failure(client.request('http://a.example'))).message).toContain('not to be handled')
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
  })

  test('may take longer than a timer of the runtime can', async () => {
    await using server = await raw.open(() => answer('in time'))
    const { connect } = server.options
    await using client = server.client({
      timeouts: { connect: 3_000_000_000 },
      connect: async (target) => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        return connect!(target)
      },
    })
    expect(await (await client.request('/')).text()).toBe('in time')
  })

  test('and gives the same connection twice, gives nobody another one’s answer', async () => {
    const [here, there] = pair()
    let text = ''
    there.handle({ onData: (chunk) => void (text += Buffer.from(chunk).toString()) })
    await using client = new Client({ connect: async () => here })
    const both = [client.request('http://a.example/1'), client.request('http://a.example/2')]
    const settled = Promise.allSettled(both)
    await quiet()
    for (const [, target] of text.matchAll(/GET (\S+) /g))
      if (there.state === 'open') there.write(answer(target))
    there.destroy()
    for (const [at, one] of (await settled).entries()) {
      if (one.status === 'fulfilled') expect(await one.value.text()).toBe(`/${at + 1}`)
    }
    expect(client.stats().active).toBe(0)
  })

  test('beside a proxy connects to the proxy, since requests to all origins come on that connection', async () => {
    await using server = await raw.open((asked) => answer(asked.target))
    const { connect } = server.options
    const whom: string[] = []
    await using client = new Client({
      proxy: 'http://u:p@proxy.example:3128',
      connect: (target) => {
        whom.push(`${target.origin} ${target.host} ${target.port} ${target.tls === undefined}`)
        return connect!(target)
      },
    })
    expect(await (await client.request('http://one.example/')).text()).toBe('http://one.example/')
    expect(await (await client.request('http://two.example:81/')).text()).toBe('http://two.example:81/')
    expect(whom).toEqual(['http://proxy.example:3128 proxy.example 3128 true'])
  })

  test('that has connected for nobody leaves those who come then a connection', async () => {
    await using server = await raw.open((asked) => answer(asked.target))
    const { connect } = server.options
    // At whichever microtask the abort comes: whoever asks next is served.
    for (let ticks = 0; ticks < 24; ticks++) {
      await using client = server.client({
        connect: async (target) => made.shift() ?? connect!(target),
      })
      const made: ByteConnection[] = [await connect!({ signal: new AbortController().signal } as never)]
      const gone = new AbortController()
      const first = watch(client.request('/first', { signal: gone.signal }))
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      gone.abort('enough')
      const second = watch(client.request('/second'))
      await quiet()
      expect([ticks, second.value?.status]).toEqual([ticks, 200])
      expect(first.value ?? first.error).toBeDefined()
    }
  })
})

test('an idle connection that was lost, unheard, does not take its pool out of its client’s reach', async () => {
  await using server = await raw.open()
  const held: ByteConnection[] = []
  const { connect } = server.options
  await using client = server.client({
    connect: async (target) => {
      const connection = await connect!(target)
      held.push(connection)
      return connection
    },
  })
  server.script = (asked) => (asked.target === '/first' ? answer() : undefined)
  await (await client.request('/first')).text()
  // Its handler hears of it in a later microtask.
  held[0]!.destroy()
  const second = failure(client.request('/second'))
  expect(standing(client)).toEqual({ ...nothing, connecting: 1, queued: 1 })
  await until(() => server.peers[1]?.asked.length === 1)
  expect(standing(client)).toEqual({ ...nothing, connections: 1 })
  client.destroy()
  expect(await second).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
  await until(() => server.peers.every((peer) => peer.gone))
})

describe('a request that is sent again', () => {
  test('is not passed by those that wait, for as long as there are any', async () => {
    await using server = await raw.open((asked, peer, count) => {
      if (asked.target === '/cut') return peer.end()
      // Those behind the one that is cut are lost with it.
      if (peer === server.peers[0] && count > 1) return undefined
      return answer(asked.target)
    })
    await using client = server.client({ maxConnections: 1, pipelining: 3 })
    await (await client.request('/warm')).text()
    let over = false
    const lost = ['/cut', '/a', '/b'].map((target) =>
      client.request(target).then(
        (got) => got.text(),
        (error: unknown) => error,
      ),
    )
    const traffic = async (): Promise<void> => {
      for (let at = 0; at < 400 && !over; at++) await (await client.request(`/traffic${at}`)).text()
      expect(over).toBe(true)
    }
    const busy = Promise.all([traffic(), traffic(), traffic(), traffic()])
    expect((await Promise.all(lost)).slice(1)).toEqual(['/a', '/b'])
    over = true
    await busy
  })

  test('does not keep others from connections that are free', async () => {
    await using server = await raw.open((asked, peer, count) => {
      if (asked.target !== '/cut') return answer(asked.target)
      if (count > 1) peer.end()
      return count > 1 ? undefined : answer('cut')
    })
    const { connect } = server.options
    let hold = false
    const held: (() => void)[] = []
    await using client = server.client({
      maxConnections: 3,
      connect: async (target) => {
        if (hold) await new Promise<void>((resolve) => held.push(resolve))
        return connect!(target)
      },
    })
    await Promise.all(['/1', '/2', '/3'].map(async (target) => (await client.request(target)).text()))
    expect(standing(client)).toEqual({ ...nothing, connections: 3, idle: 3 })
    hold = true
    const cut = client.request('/cut')
    await until(() => held.length === 1)
    expect(await (await client.request('/other')).text()).toBe('/other')
    held[0]!()
    expect(await (await cut).text()).toBe('cut')
  })
})

describe('a client that is destroyed while a request is being made', () => {
  test('by who hears of it, sends nothing', async () => {
    await using server = await raw.open(() => answer())
    const client = server.client()
    const listener = (): void => client.destroy()
    clientChannels.request.subscribe(listener)
    const asked = failure(client.request('/'))
    clientChannels.request.unsubscribe(listener)
    expect(await asked).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
    await quiet()
    expect([server.peers.length, client.stats(), client.state]).toMatchObject([
      0,
      { active: 0, origins: {} },
      'closed',
    ])
  })

  test('while its file is opened, sends nothing', async () => {
    await using server = await raw.open(() => answer())
    const client = server.client()
    const asked = failure(client.request('/', { body: { file: new URL(import.meta.url) } }))
    await Promise.resolve()
    client.destroy()
    expect(await asked).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
    await quiet()
    expect([server.peers.length, client.stats()]).toMatchObject([0, { active: 0, origins: {} }])
  })

  test('by the function that names its proxy, sends nothing', async () => {
    await using server = await raw.open(() => answer())
    const client: Client = server.client({
      proxy: () => {
        client.destroy()
        return undefined
      },
    })
    expect(await failure(client.request('/'))).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
    await quiet()
    expect([server.peers.length, client.stats()]).toMatchObject([0, { active: 0, origins: {} }])
  })
})

describe('a request that is aborted while it is made', () => {
  test('by who hears of it, is not sent', async () => {
    await using server = await raw.open(() => answer())
    await using client = server.client()
    await (await client.request('/warm')).text()
    const gone = new AbortController()
    const listener = (): void => gone.abort('enough')
    clientChannels.request.subscribe(listener)
    const asked = failure(client.request('/', { signal: gone.signal }))
    clientChannels.request.unsubscribe(listener)
    expect(await asked).toBe('enough')
    await quiet()
    expect(server.peers[0]!.asked.length).toBe(1)
    expect([client.stats().active, standing(client)]).toEqual([0, { ...nothing, connections: 1, idle: 1 }])
  })

  test('by the function that names its proxy, is not sent', async () => {
    await using server = await raw.open(() => answer())
    const gone = new AbortController()
    await using client = server.client({
      proxy: () => {
        gone.abort('enough')
        return undefined
      },
    })
    expect(await failure(client.request('/', { signal: gone.signal }))).toBe('enough')
    await quiet()
    expect([server.peers.length, client.stats()]).toMatchObject([0, { active: 0, origins: {} }])
  })
})

describe('a callback that rejects where none is expected', () => {
  test('trailers, costs its request', async () => {
    await using server = await raw.open(() => answer())
    await using client = server.client()
    const trailers = (): never => Promise.reject(new Error('by the trailers')) as never
    const error = await failure(client.request('/', { body: 'text', trailers }))
    expect(error.message).toContain('by the trailers')
  })

  test('proxy, costs its request', async () => {
    await using client = new Client({ proxy: () => Promise.reject(new Error('by the proxy')) as never })
    expect(await failure(client.request('http://a.example'))).toBeInstanceOf(TypeError)
  })

  test.each(['onUpload', 'onDownload', 'onInform'])('%s of any thenable, costs its request', async (name) => {
    await using server = await raw.open(() => `HTTP/1.1 103 Early Hints\r\n\r\n${answer('text')}`)
    await using client = server.client()
    const thenable = {
      // oxlint-disable-next-line unicorn/no-thenable -- it is what a callback may give back
      then: (_: unknown, reject: (error: unknown) => void) => reject(new Error('by the callback')),
    }
    const asked = client.request('/', { body: 'text', [name]: () => thenable }).then((got) => got.text())
    expect((await failure(asked)).message).toBe('by the callback')
    expect(client.stats().active).toBe(0)
  })
})

test('onDownload that throws at the end of an encoded body costs its request', async () => {
  const body = gzipSync('text')
  await using server = await raw.open((_asked, peer) => {
    peer.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.byteLength}\r\n\r\n`)
    peer.write(body)
  })
  await using client = server.client()
  const onDownload = (): never => {
    throw new Error('by the callback')
  }
  const got = await client.request('/', { onDownload })
  expect((await failure(got.text())).message).toBe('by the callback')
})

test('a loop that is left lets go of its connection, as a stream that is cancelled does', async () => {
  await using server = await raw.open((_asked, peer) =>
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst'),
  )
  await using client = server.client()
  for await (const chunk of await client.request('/')) {
    expect(Buffer.from(chunk).toString()).toBe('first')
    break
  }
  await until(() => server.peers[0]!.gone)
  expect([standing(client), client.stats().active]).toEqual([nothing, 0])
})

describe('no secret is told by an error', () => {
  test('of a URL that is none', async () => {
    await using client = new Client()
    const error = await failure(client.request('http://user:secret@not a host/?token=secret'))
    expect([error.message, inspect(error).includes('secret')]).toEqual([
      expect.stringMatching(/^Invalid URL/),
      false,
    ])
  })
})

test('nobody is sent behind a request that says it is the last', async () => {
  await using server = await raw.open()
  await using client = server.client({ maxConnections: 1, pipelining: 4 })
  server.script = (asked) => answer(asked.target)
  await (await client.request('/warm')).text()
  server.script = (asked, peer) => {
    peer.write(answer(asked.target))
    if (asked.fields.get('connection') === 'close') peer.end()
  }
  const last = client.request('/last', { headers: { Connection: 'close' } })
  const next = client.request('/next')
  expect([await (await last).text(), await (await next).text()]).toEqual(['/last', '/next'])
  expect([server.peers[0]!.text.includes('/next'), client.stats().retries]).toEqual([false, 0])
})

test('a pool that is emptied by who hears of a request is still known to its client', async () => {
  await using server = await raw.open()
  const client = server.client()
  const gone = new AbortController()
  const first = failure(client.request('/first', { signal: gone.signal }))
  await until(() => server.peers[0]?.asked.length === 1)
  const listener = (): void => gone.abort('enough')
  clientChannels.request.subscribe(listener)
  const second = failure(client.request('/second'))
  clientChannels.request.unsubscribe(listener)
  expect(await first).toBe('enough')
  const { connecting, connections } = standing(client)
  expect(connecting + connections).toBe(1)
  await until(() => server.peers[1]?.asked.length === 1)
  client.destroy()
  expect(await second).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
  await until(() => server.peers.every((peer) => peer.gone))
})
