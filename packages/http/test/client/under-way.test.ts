import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { IncomingResponse, type RequestError } from '../../src/index.ts'
import { until } from '../server/ways.ts'
import { answer, failure, nothing, raw, type RawServer, rawWays, response, standing } from './raw-server.ts'

const clock = useManualClock()

/** A body without end, that tells whether it was let go of. */
function endless(): { body: AsyncGenerator<string>; let: { go: boolean } } {
  const told = { go: false }
  async function* pieces(): AsyncGenerator<string> {
    try {
      for (;;) {
        yield 'more'
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      told.go = true
    }
  }
  return { body: pieces(), let: told }
}

/** The server answers while the body is on its way. */
async function saysEarly(server: RawServer, text: string): Promise<void> {
  const peer = await server.peer()
  await until(() => peer.text.includes('more'))
  peer.write(text)
}

describe.each(rawWays)('over $name, a body that is still being sent', (way) => {
  test('is let go of with a redirect that is followed', async () => {
    await using server = await way.open(() => answer('there'))
    await using client = server.client()
    const sent = endless()
    const asking = client.request('/', { method: 'POST', body: sent.body })
    await saysEarly(server, response('303 See Other', '', 'Location: /there'))
    expect(await (await asking).text()).toBe('there')
    await until(() => sent.let.go && client.stats().active === 0)
  })

  test('is let go of with a redirect that cannot be followed', async () => {
    await using server = await way.open()
    await using client = server.client()
    const sent = endless()
    const asking = failure<RequestError>(client.request('/', { method: 'POST', body: sent.body }))
    await saysEarly(server, response('307 Temporary Redirect', '', 'Location: /there'))
    expect((await asking).code).toBe('ERR_FAIRLEAD_HTTP_REDIRECT')
    await until(() => sent.let.go && client.stats().active === 0)
  })

  test('goes on behind an answer of success, until nobody wants that', async () => {
    await using server = await way.open()
    await using client = server.client()
    const sent = endless()
    const asking = client.request('/', { method: 'POST', body: sent.body })
    await saysEarly(server, answer('early'))
    const got = await asking
    expect([await got.text(), sent.let.go, client.stats().active]).toEqual(['early', false, 1])
    got.discard()
    await until(() => sent.let.go && client.stats().active === 0)
    expect(client.stats().failed).toBe(0)
  })
})

test('what cannot be sent twice waits for an end that is there already', async () => {
  // A server that closes behind its answers without a word, as some do.
  const tcp = rawWays.find(({ name }) => name === 'tcp')!
  await using server = await tcp.open((asked, peer) => {
    peer.write(answer(asked.target))
    peer.end()
    return undefined
  })
  await using client = server.client()
  for (let at = 0; at < 50; at++) {
    const got = await client.request(`/${at}`, { method: 'POST', body: 'x' })
    expect([await got.text(), got.attempts]).toEqual([`/${at}`, 1])
  }
})

test('close waits for a redirect, and for what an interceptor asks next', async () => {
  await using server = await raw.open((asked) =>
    asked.target === '/' ? response('302 Found', '', 'Location: /there') : answer(asked.target),
  )
  let closing: Promise<void> | undefined
  const client = server.client({
    interceptors: [
      async (request, next) => {
        const got = await next(request)
        closing ??= client.close()
        return got
      },
    ],
  })
  expect(await (await client.request('/')).text()).toBe('/there')
  await closing
  expect([client.state, client.stats().origins]).toEqual(['closed', {}])
  expect(await failure(client.request('/'))).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED' })
})

test('each request has its own time to connect', async () => {
  const failed: string[] = []
  await using server = await raw.open()
  await using client = server.client({
    connect: (target) =>
      new Promise((_, reject) => {
        const name = String(target.timeouts.tls)
        target.signal.addEventListener('abort', () => reject(target.signal.reason))
        if (name === '100') reject(new Error('too slow'))
      }),
  })
  const gone = new AbortController()
  const first = failure(client.request('/', { timeouts: { tls: 1500 }, signal: gone.signal })).then((error) =>
    failed.push(`first ${String(error)}`),
  )
  const second = await failure<RequestError>(client.request('/', { timeouts: { tls: 100 } }))
  expect([second.message, failed]).toEqual([expect.stringContaining('too slow'), []])
  gone.abort('enough')
  await first
  expect(failed).toEqual(['first enough'])
})

test('one signal for many requests has one listener, and none in the end', async () => {
  const warnings: string[] = []
  const listener = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', listener)
  await using server = await raw.open((asked) => (asked.target === '/' ? undefined : answer('x')))
  await using client = server.client()
  const gone = new AbortController()
  const { signal } = gone
  const asked = Array.from({ length: 30 }, () => failure(client.request('/', { signal })))
  await (await client.request('/x', { signal })).text()
  gone.abort('enough')
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 30 }, () => 'enough'))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listener)
  expect(warnings).toEqual([])
  await until(() => client.stats().active === 0)
})

describe('an interceptor that never comes to an end', () => {
  const never = (): Promise<IncomingResponse> => new Promise(() => {})

  test('does not outlive the signal', async () => {
    await using server = await raw.open()
    await using client = server.client({ interceptors: [never] })
    const gone = new AbortController()
    const asked = failure(client.request('/', { signal: gone.signal }))
    gone.abort('enough')
    expect(await asked).toBe('enough')
  })

  test('does not outlive the time that all of it has', async () => {
    await using server = await raw.open()
    await using client = server.client({ interceptors: [never] })
    const asked = failure<RequestError>(client.request('/', { timeouts: { total: 1_000 } }))
    await Promise.resolve()
    clock.advance(1_500)
    expect(await asked).toMatchObject({ code: 'ERR_FAIRLEAD_TIMEOUT', phase: 'total', retryable: false })
    expect(standing(client)).toEqual(nothing)
  })
})
