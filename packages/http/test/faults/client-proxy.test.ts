import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { Client, type RequestError } from '../../src/index.ts'
import { failure } from '../client/raw-server.ts'
import { until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const ok = 'HTTP/1.1 200 OK\r\n\r\n'
const answers: [string, string][] = [
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
  ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n'],
  ['a wish for credentials', 'HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\nContent-Length: 3\r\n\r\nwho'],
  ['an error without end', 'HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n'],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
  ['interim answers without end', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000)],
  ['a head without end', `HTTP/1.1 200 OK\r\n${'X-A: bbbbbbbbbbbbbbbbbbbb\r\n'.repeat(10_000)}`],
  ['a line without end', 'HTTP/1.1 200 '.padEnd(200_000, 'a')],
  ['a tunnel, and bytes that are no TLS', `${ok}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray`],
  [
    'a tunnel of HTTP/1.0, and bytes that are no TLS',
    'HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n\0\0\0\0\0\0\0\0\0',
  ],
]

describe('1 and 19 a proxy that is asked for a tunnel', () => {
  /** What a proxy heard that says `answer` to each CONNECT, and then does `then`. */
  const through = async (answer: string, then: 'stay' | 'end' | 'reset'): Promise<[RequestError, string]> => {
    let heard = ''
    let left = 0
    const listener = await tcp.listen({ port: 0 }, (connection) => {
      left++
      connection.handle({
        onData(chunk) {
          const first = heard === ''
          heard += Buffer.from(chunk).toString('latin1')
          if (!first) return
          connection.write(answer, 'latin1')
          if (then === 'end') connection.end()
          if (then === 'reset') setImmediate(() => connection.destroy(new Error('by the test')))
        },
        onClose: () => void left--,
      })
    })
    const { port } = listener.address as { port: number }
    const client = new Client({ proxy: `http://me:s3cret@127.0.0.1:${port}` })
    const headers = { Authorization: 'Bearer s3cret', Cookie: 's3cret' }
    const error = await failure<RequestError>(
      client.request('https://a.example/path', { headers, body: 's3cret' }),
    )
    expect(client.stats()).toMatchObject({ active: 0, failed: 1, retries: 0, origins: {} })
    await until(() => left === 0)
    await client.close()
    await listener.close({ grace: 0 })
    return [error, heard]
  }

  test.each(answers)('and answers with %s: nothing is sent to anybody', async (_what, answer) => {
    const [error, heard] = await through(answer, 'stay')
    expect(error).toMatchObject({ name: 'RequestError', bytesWritten: 0, retryable: true })
    expect(error.message).not.toContain('s3cret')
    expect(heard).toMatch(/^CONNECT a\.example:443 HTTP\/1\.1\r\n/)
    // Of TLS no more than its greeting, which is not readable.
    for (const secret of ['/path', 's3cret', 'Bearer', 'Cookie']) expect(heard).not.toContain(secret)
  })

  test.each(['end', 'reset'] as const)(
    'and leaves by %s at any byte of its answer: one error, and nothing left',
    async (how) => {
      for (let at = 0; at <= ok.length; at++) {
        const [error] = await through(ok.slice(0, at), how)
        expect([at, error.name, error.bytesWritten, error.retryable]).toEqual([at, 'RequestError', 0, true])
      }
    },
  )
})
