import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'

import * as websocket from '@fairlead/ws-bridge'
import { beforeEach, expect, test, vi } from 'vitest'

import { sunk } from './sink.ts'

vi.mock(import('node:zlib'), async (original) => {
  const zlib = await original()
  return { ...zlib, deflateRawSync: vi.fn<typeof deflateRawSync>(zlib.deflateRawSync) }
})

const compressed = vi.mocked(deflateRawSync)
beforeEach(() => void compressed.mockClear())

const message = 'all hands on deck, '.repeat(200)

function crowd(size: number, extensions = 'permessage-deflate', compression: object | true = true) {
  return Array.from({ length: size }, () => sunk({ compression, extensions }))
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const connectionsOf = (all: ReturnType<typeof crowd>) => all.map(({ connection }) => connection)

test('a broadcast is compressed once, whatever the number of receivers', async () => {
  const all = crowd(200)
  expect(websocket.broadcast(connectionsOf(all), message)).toBe(200)
  await turn()
  expect(compressed).toHaveBeenCalledTimes(1)
  const [first] = all.map(({ socket }) => Buffer.concat(socket.writes.flat()))
  expect(all.every(({ socket }) => Buffer.concat(socket.writes.flat()).equals(first as Buffer))).toBe(true)
  expect(all.every(({ socket }) => socket.frames[0]?.rsv === 4)).toBe(true)
  expect(first?.length).toBeLessThan(200)
})

test('it is compressed once for each window and level, and not at all for those who want none', async () => {
  const all = [
    ...crowd(5),
    ...crowd(5, 'permessage-deflate; server_max_window_bits=10'),
    ...crowd(5, 'permessage-deflate; server_max_window_bits=8'),
    ...crowd(5, 'permessage-deflate', { level: 9 }),
    ...crowd(5, 'none'),
  ]
  expect(websocket.broadcast(connectionsOf(all), message)).toBe(25)
  await turn()
  expect(compressed).toHaveBeenCalledTimes(3)
  const reserved = all.map(({ socket }) => socket.frames[0]?.rsv)
  expect(reserved).toEqual([4, 4, 0, 4, 0].flatMap((rsv) => Array<number>(5).fill(rsv)))
})

test('what is below the threshold, or becomes no smaller, is not tried again and again', async () => {
  const options = {
    messages: 'binary',
    compression: { threshold: 100 },
    extensions: 'permessage-deflate',
  } as const
  const all = Array.from({ length: 10 }, () => sunk<'binary'>(options))
  const connections = all.map(({ connection }) => connection)
  websocket.broadcast(connections, new Uint8Array(99))
  expect(compressed).toHaveBeenCalledTimes(0)
  websocket.broadcast(connections, randomBytes(300))
  expect(compressed).toHaveBeenCalledTimes(1)
  await turn()
  for (const { socket } of all) expect(socket.frames.map(({ rsv }) => rsv)).toEqual([0, 0])
})

test('those who write for themselves compress for themselves', async () => {
  const [one, other] = crowd(2)
  one?.connection.write(message)
  other?.connection.write(message)
  expect(compressed).toHaveBeenCalledTimes(2)
})
