import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, test } from 'vitest'

import { Client, listen, request, type RequestError } from '../../src/index.ts'
import { a, ca } from '../server/tls-certificates.ts'
import { failure } from './raw-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.skipIf(process.platform === 'win32')('a unix socket', () => {
  test('stands in the place of host and port', async () => {
    const unix = join(folder, 'one')
    await using server = await listen({ path: unix, idleGrace: 0 }, (exchange) =>
      exchange.respond(200, {}, `${exchange.request.headers.get('host')} ${exchange.request.target}`),
    )
    expect(server.address.kind).toBe('unix')
    const client = new Client({ base: 'http://name.example', unix })
    const got = await client.request('/a')
    expect([await got.text(), got.remoteAddress, got.url]).toEqual([
      'name.example /a',
      { kind: 'unix', path: unix },
      'http://name.example/a',
    ])
    expect((await client.request('/b')).reused).toBe(true)
    await client.close()
    expect(await (await request('http://other.example/c', { unix })).text()).toBe('other.example /c')
  })

  test('shares no connection with the host, nor with another socket', async () => {
    const paths = ['two', 'three'].map((name) => join(folder, name))
    const servers = await Promise.all(
      paths.map((path) => listen({ path, idleGrace: 0 }, (exchange) => exchange.respond(200, {}, path))),
    )
    const client = new Client({ base: 'http://name.example' })
    for (const unix of paths) {
      const got = await client.request('/', { unix })
      expect([await got.text(), got.reused]).toEqual([unix, false])
    }
    expect((await client.request('/', { unix: paths[0]! })).reused).toBe(true)
    // Of one origin, together.
    expect(client.stats().origins).toEqual({
      'http://name.example': { connections: 2, idle: 2, connecting: 0, queued: 0 },
    })
    await client.close()
    await Promise.all(servers.map((server) => server.close()))
  })

  test('may have TLS on it, for the name of the URL', async () => {
    const unix = join(folder, 'four')
    await using server = await listen({ path: unix, idleGrace: 0, tls: a }, (exchange) =>
      exchange.respond(200, {}, 'secure'),
    )
    expect(server.accepting).toBe(true)
    const client = new Client({ unix, tls: { ca } })
    const got = await client.request('https://a.example/')
    expect([await got.text(), got.tls === undefined]).toEqual(['secure', false])
    expect(await failure(client.request('https://c.example/'))).toMatchObject({
      name: 'RequestError',
      phase: 'tls',
      bytesWritten: 0,
    })
    await client.close()
  })

  test('on which nobody listens is an error that says so', async () => {
    const unix = join(folder, 'none')
    const client = new Client()
    const error = await failure<RequestError>(client.request('http://name.example/', { unix }))
    expect(error).toMatchObject({
      name: 'RequestError',
      code: 'ERR_FAIRLEAD_CONNECT',
      phase: 'connect',
      peer: { kind: 'unix', path: unix },
      retryable: true,
    })
    expect(client.stats().origins).toEqual({})
    await client.close()
  })
})
