import assert from 'node:assert/strict'

import { type ByteConnection, ConnectError, TimeoutError } from '@fairlead/core'
import type { Client, RequestOptions, RequestTimeouts } from '@fairlead/http'
import * as tcp from '@fairlead/tcp'

import { feature, type Feature } from '../check.ts'
import { portOf } from '../tcp/meeting.ts'
import { failureOf, quiet, soon, until } from '../wait.ts'
import { client, raw, requestErrorOf, said, standing } from './client-meeting.ts'
import { Gate, pattern } from './meeting.ts'

const nothing = { connections: 0, idle: 0, connecting: 0, queued: 0 }
const large = pattern(32 * 1024 * 1024)

/** What is left of a client all of whose requests have failed. */
async function assertFree(asking: Client): Promise<void> {
  await quiet()
  assert.deepEqual([standing(asking), asking.stats().active], [nothing, 0])
}

export const clientFailureFeatures: readonly Feature[] = [
  feature('a server that is not there is an error that says so', async (broom) => {
    const listener = await tcp.listen({})
    const port = portOf(listener)
    await listener.close()
    const url = `http://a:b@127.0.0.1:${port}/path?secret#secret`
    const error = await requestErrorOf(
      client(broom, { origin: 'http://a.example' }).request(url, { body: 'ahoy' }),
    )
    const { code, method, phase, peer, reused, bytesWritten, attempts, retryable, cause } = error
    assert.deepEqual(
      [code, method, error.url, phase, reused, bytesWritten, attempts, retryable],
      ['ERR_FAIRLEAD_CONNECT', 'POST', `http://127.0.0.1:${port}/path`, 'connect', false, 0, 0, true],
    )
    assert.ok(cause instanceof ConnectError)
    assert.ok(peer?.kind === 'ip' && peer.port === port)
    assert.doesNotMatch(error.message, /secret|a:b/)
  }),

  feature('what is no answer is an error, and ends the connection', async (broom) => {
    const answers: Record<string, [string, string]> = {
      '/words': ['ahoy\r\n\r\n', 'ERR_FAIRLEAD_HTTP_'],
      '/lengths': [
        'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
        'ERR_FAIRLEAD_HTTP_',
      ],
      '/chunk': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'ERR_FAIRLEAD_HTTP_'],
      '/switch': [
        'HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n',
        'ERR_FAIRLEAD_HTTP_UNEXPECTED',
      ],
      '/end': ['', 'ERR_FAIRLEAD_BROKEN'],
      '/head': ['HTTP/1.1 200 OK\r\nX-A', 'ERR_FAIRLEAD_HTTP_TRUNCATED'],
      '/fields': [`HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(10_000)}`, 'ERR_FAIRLEAD_HTTP_'],
    }
    const server = await raw(broom, ({ target }, { connection }) => {
      const [bytes] = answers[target]!
      if (bytes) connection.write(bytes)
      connection.end()
    })
    const asking = client(broom, server)
    for (const [target, [, code]] of Object.entries(answers)) {
      const error = await requestErrorOf(asking.request(target).then((got) => got.text()))
      assert.ok(error.code.startsWith(code), `${target}: ${error.code}`)
      assert.equal(error.retryable, target === '/end')
      assert.ok(error.peer?.kind === 'ip' && error.peer.port === server.port)
    }
    await server.deserted()
    await assertFree(asking)
  }),

  feature('a reset in the middle of an answer is an error of its reader', async (broom) => {
    const server = await raw(broom)
    const asked = client(broom, server).request('/')
    const peer = await server.peer(0)
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    const got = await soon(asked, 'the head comes')
    const read = requestErrorOf(got.text())
    await quiet()
    peer.connection.destroy(new Error('reset'))
    const { phase, retryable } = await read
    assert.deepEqual([phase, retryable], ['body', false])
  }),

  feature(
    'an abort rejects with its reason, and frees the connection at once: whatever it is at',
    async (broom) => {
      const server = await raw(broom, ({ target }) =>
        target === '/body' ? 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf' : undefined,
      )
      const [connecting, uploading] = [new Gate(), new Gate()]
      const connect = (): Promise<ByteConnection> => {
        connecting.open()
        return new Promise(() => {})
      }
      const stream = async function* (): AsyncGenerator<Uint8Array> {
        yield large.subarray(0, 1024)
        uploading.open()
        await new Promise(() => {})
      }
      const busy = client(broom, server, { maxConnections: 1 })
      const lost = failureOf(busy.request('/busy'), 'the request')
      await server.peer(0)
      const phases: Record<string, [Client, RequestOptions & { url?: string }, () => Promise<unknown>]> = {
        connect: [client(broom, server, { connect }), {}, () => connecting.opened],
        queue: [busy, {}, () => until(() => standing(busy).queued === 1, 'it waits')],
        upload: [client(broom, server), { body: stream() }, () => uploading.opened],
        headers: [client(broom, server), { url: '/headers' }, () => server.peer(2)],
        body: [client(broom, server), { url: '/body' }, () => server.peer(3).then(quiet)],
      }
      for (const [phase, [asking, { url = '/', ...options }, begun]] of Object.entries(phases)) {
        const reason = new Error(phase)
        const aborter = new AbortController()
        const asked = asking.request(url, { ...options, signal: aborter.signal }).then((got) => got.text())
        const failed = failureOf(asked, 'the request')
        await soon(begun(), `${phase} has begun`)
        aborter.abort(reason)
        assert.equal(await failed, reason)
        if (asking !== busy) await assertFree(asking)
      }
      await until(() => server.peers.slice(1).every(({ gone }) => gone), 'the connections are gone')
      assert.deepEqual([server.peers.length, server.peers[0]!.gone], [4, false])
      busy.destroy()
      await lost
      const aborted = AbortSignal.abort('text')
      const before = client(broom, server)
      assert.equal(await failureOf(before.request('/', { signal: aborted }), 'the request'), 'text')
      assert.equal(before.stats().requests, 0)
    },
  ),

  feature('there is a time for each phase', async (broom) => {
    const server = await raw(broom, ({ target }) =>
      target === '/body' ? 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf' : undefined,
    )
    const deaf = broom.keep(
      await tcp.listen({}, (connection) => {
        connection.handle({ onData() {} })
        connection.pause()
      }),
    )
    const never = (): Promise<ByteConnection> => new Promise(() => {})
    const cases: [keyof RequestTimeouts, string, RequestOptions, boolean][] = [
      ['connect', server.origin, {}, true],
      ['headers', server.origin, {}, true],
      ['headers', server.origin, { body: 'ahoy' }, false],
      ['body', `${server.origin}/body`, {}, false],
      ['total', server.origin, {}, true],
      ['write', `http://127.0.0.1:${portOf(deaf)}`, { method: 'PUT', body: large }, true],
    ]
    await soon(
      Promise.all(
        cases.map(async ([phase, url, options, retryable]) => {
          const asking = client(broom, server, phase === 'connect' ? { connect: never } : {})
          const timeouts = { [phase]: 100 }
          const error = await requestErrorOf(
            asking.request(url, { ...options, timeouts }).then((got) => got.text()),
          )
          assert.deepEqual([phase, error.code, error.phase], [phase, 'ERR_FAIRLEAD_TIMEOUT', phase])
          assert.ok(error.cause instanceof TimeoutError)
          assert.equal(error.retryable, retryable, `${phase}: ${error.message}`)
          await assertFree(asking)
        }),
      ),
      'all have failed',
    )
    await server.deserted()
  }),

  feature('a body that throws costs its request, and nothing else', async (broom) => {
    const server = await raw(broom, ({ target }) => said('200 OK', target))
    const asking = client(broom, server)
    const flooded = new Error('flooded')
    const body = async function* (): AsyncGenerator<string> {
      yield 'half'
      throw flooded
    }
    const error = await failureOf(asking.request('/', { body: body() }), 'the request')
    assert.match((error as Error).message, /flooded/)
    await server.deserted()
    assert.ok(!server.peers[0]!.text.endsWith('0\r\n\r\n'))
    assert.equal(await (await asking.request('/next')).text(), '/next')
  }),
]
