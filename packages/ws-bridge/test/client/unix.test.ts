import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterAll, describe, expect, test } from 'vitest'

import { echo, until } from '../harness.ts'
import { ca, localhost } from './certificates.ts'
import { failureOf, talk } from './servers.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A server that says of each handshake where to, and to whom, it came. */
async function start(path: string, tls?: typeof localhost) {
  const server = await http.listen({ path, idleGrace: 0, ...(tls && { tls }) }, (exchange) =>
    exchange.respond(404),
  )
  const asked: string[] = []
  await websocket.listen(
    { server, authorize: ({ target, headers }) => void asked.push(`${headers.get('host')} ${target}`) },
    echo,
  )
  return { server, asked, [Symbol.asyncDispose]: () => server.close() }
}

describe.skipIf(process.platform === 'win32')('a Unix socket', () => {
  test('may stand in the URL', async () => {
    const path = join(folder, 'one')
    await using it = await start(path)
    for (const url of [`ws+unix:${path}:/a/b?c`, `ws+unix://${path}:/`, `ws+unix:${path}`]) {
      const connection = await websocket.connect(url)
      expect(connection.remoteAddress).toEqual({ kind: 'unix', path })
      expect(await talk(connection)).toBe('ahoy')
      await connection.close()
    }
    expect(it.asked).toEqual(['localhost /a/b?c', 'localhost /', 'localhost /'])
    await until(() => it.server.connections.size === 0)
  })

  test('may have a name with spaces and colons', async () => {
    const path = join(folder, 'a b:c')
    await using it = await start(path)
    const connection = await websocket.connect(`ws+unix:${encodeURIComponent(path)}:/x`)
    expect([await talk(connection), it.asked]).toEqual(['ahoy', ['localhost /x']])
    await connection.close()
  })

  test('may stand in the place of host and port, and of any proxy', async () => {
    const unix = join(folder, 'two')
    await using it = await start(unix)
    const connection = await websocket.connect('ws://localhost:7000/x', { unix, proxy: 'http://127.0.0.1:1' })
    expect([await talk(connection), it.asked]).toEqual(['ahoy', ['localhost:7000 /x']])
    await connection.close()
  })

  test('may have TLS on it, for the name of the URL', async () => {
    const unix = join(folder, 'three')
    await using it = await start(unix, localhost)
    const connection = await websocket.connect('wss://localhost/x', { unix, tls: { ca } })
    expect(connection.tls?.serverName).toBe('localhost')
    expect([await talk(connection), it.asked]).toEqual(['ahoy', ['localhost /x']])
    await connection.close()
  })

  test('on which nobody listens is an error that says so', async () => {
    const path = join(folder, 'none')
    const error = await failureOf(websocket.connect(`ws+unix:${path}:/?secret`))
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'connect' })
    expect(error.message).toContain(path)
    expect(error.message).not.toContain('secret')
    const twice = failureOf(websocket.connect(`ws+unix:${path}`, { unix: path }))
    expect(await twice).toEqual(new TypeError('Invalid option unix: the URL names a socket already'))
  })
})
