import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'

import { echo, read, urlOf } from '../harness.ts'
import { accepting, answering, talk } from './servers.ts'

const long = 'ahoy '.repeat(10_000)

describe('compression', () => {
  test.each([
    [true, true, true],
    [true, false, false],
    [false, true, false],
    [false, false, false],
  ])('asked for: %j, and had by the server: %j', async (asked, had, compressed) => {
    await using server = await websocket.listen({ port: 0, compression: had }, echo)
    const connection = await websocket.connect(urlOf(server), { compression: asked })
    expect(connection.compressed).toBe(compressed)
    expect(await talk(connection, long)).toBe(long)
    expect(await talk(connection)).toBe('ahoy')
    await connection.close()
  })

  test('is understood by a foreign server', async () => {
    const perMessageDeflate = { threshold: 0 }
    const foreign = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
    foreign.on('connection', (peer) => peer.on('message', (data) => peer.send(data, { binary: false })))
    await new Promise((resolve) => foreign.once('listening', resolve))
    const { port } = foreign.address() as { port: number }
    const options = { compression: { threshold: 10 } }
    const connection = await websocket.connect(`ws://127.0.0.1:${port}`, options)
    expect(connection.compressed).toBe(true)
    for (const text of [long, 'ahoy', long]) expect(await talk(connection, text)).toBe(text)
    await connection.close()
    foreign.close()
  })

  test('of a thousand to one is stopped', async () => {
    const perMessageDeflate = { threshold: 0 }
    const foreign = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
    foreign.on('connection', (peer) => peer.send(Buffer.alloc(900_000).toString('latin1')))
    await new Promise((resolve) => foreign.once('listening', resolve))
    const { port } = foreign.address() as { port: number }
    const connection = await websocket.connect(`ws://127.0.0.1:${port}`, { compression: true })
    await expect(read(connection)).rejects.toMatchObject({ name: 'LimitError', limit: 'compression.ratio' })
    foreign.close()
  })

  test('of a server that was not asked for it is a broken protocol', async () => {
    await using server = await answering((asked, connection) => {
      connection.write(Buffer.concat([Buffer.from(accepting(asked)), Buffer.of(0xc1, 1, 0)]))
    })
    const connection = await websocket.connect(urlOf(server))
    await expect(read(connection)).rejects.toMatchObject({ name: 'ProtocolError', side: 'remote' })
  })
})
