import { constants, deflateRawSync } from 'node:zlib'

import type { CloseReason } from '@fairlead/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { until } from './harness.ts'
import { closeFrame, frame, opcodes } from './raw.ts'
import { sunk } from './sink.ts'

const { binary, close, continuation, ping, pong, text } = opcodes
const rsv = { rsv: 4 }

function deflated(message: string | Uint8Array): Buffer {
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

const wordy = 'all hands on deck, '.repeat(100)

/** What a peer may say, in its right mind and out of it. */
const said: Record<string, Buffer> = {
  text: frame(text, 'ahoy'),
  empty: frame(text, ''),
  bytes: frame(binary, new Uint8Array(300)),
  'first of two': frame(text, 'a', { fin: false }),
  'second of two': frame(continuation, 'b'),
  'compressed text': frame(text, deflated(wordy), rsv),
  'compressed bytes': frame(binary, deflated(new Uint8Array(50_000)), rsv),
  'compressed first of two': frame(text, deflated(wordy).subarray(0, 9), { ...rsv, fin: false }),
  'compressed second of two': frame(continuation, deflated(wordy).subarray(9)),
  'compressed rubbish': frame(text, 'no deflate at all', rsv),
  'compressed, no UTF-8': frame(text, deflated(Buffer.of(0x61, 0xff)), rsv),
  'compressed, cut': frame(text, deflated(wordy).subarray(0, 12), rsv),
  bomb: frame(binary, deflated(new Uint8Array(900_000)), rsv),
  'larger bomb': frame(binary, deflated(new Uint8Array(3_000_000)), rsv),
  'no UTF-8': frame(text, Buffer.of(0xff)),
  ping: frame(ping, 'p'),
  pong: frame(pong, 'p'),
  close: closeFrame(1000),
  'close, no UTF-8': frame(close, Buffer.of(3, 232, 0xff)),
  'close, no code': frame(close, ''),
  'close, wrong code': closeFrame(1006),
  'close, compressed': frame(close, deflated('x'), rsv),
  unmasked: frame(text, 'x', { mask: false }),
  reserved: frame(text, 'x', { rsv: 2 }),
  'no opcode': frame(5, 'x'),
  'too long': frame(text, '', { length: 2 ** 40 }),
  rubbish: Buffer.from('GET / HTTP/1.1\r\n\r\n'),
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const parts = fc.array(fc.constantFrom(...Object.keys(said)), { minLength: 1, maxLength: 8 })
const places = fc.array(fc.nat(), { maxLength: 4 })
/** Whether the next piece comes in the same turn. */
const haste = fc.array(fc.boolean(), { minLength: 5, maxLength: 5 })

test.each(['permessage-deflate', undefined])(
  'whatever a peer says, in whatever pieces, ends in one reason at most, and in no other fault (%s)',
  async (extensions) => {
    const property = fc.asyncProperty(
      parts,
      places,
      haste,
      fc.boolean(),
      async (names, cuts, hasty, ends) => {
        const whole = Buffer.concat(names.map((name) => said[name] as Buffer))
        const at = [...new Set(cuts.map((place) => place % whole.length))].toSorted((a, b) => a - b)
        const offer = extensions === undefined ? {} : { extensions }
        const { socket, connection } = sunk<'both'>({ messages: 'both', compression: true, ...offer })
        const reasons: CloseReason[] = []
        let late = 0
        connection.handle({
          onData: () => void (late += reasons.length),
          onClose: (reason) => void reasons.push(reason),
        })
        for (const [index, start] of [0, ...at].entries()) {
          if (socket.destroyed) break
          socket.push(whole.subarray(start, at[index]))
          if (!hasty[index]) await turn()
        }
        if (ends && !socket.destroyed) socket.push(null)
        for (let turns = 0; turns < 6; turns++) await turn()
        const closes = socket.frames.filter(({ opcode }) => opcode === close)
        expect(closes.length).toBeLessThanOrEqual(1)
        expect(socket.frames.at(-1)?.opcode === close || closes.length === 0).toBe(true)
        connection.destroy()
        await connection.closed
        await turn()
        expect([reasons.length, late]).toEqual([1, 0])
      },
    )
    await fc.assert(property, { numRuns: 200 })
  },
)

test('any bytes at all end in one reason at most', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }),
    async (chunks) => {
      const { socket, connection } = sunk({ compression: true, extensions: 'permessage-deflate' })
      let closes = 0
      connection.handle({ onData() {}, onClose: () => void closes++ })
      for (const chunk of chunks) {
        if (socket.destroyed) break
        socket.push(chunk)
        await turn()
      }
      connection.destroy()
      await turn()
      expect(closes).toBe(1)
    },
  )
  await fc.assert(property, { numRuns: 200 })
})

/** `ws` reads on behind a fault that it found in a chunk that had to wait, and throws where nobody can catch it (8.23). */
test('a fault that had to wait for a message to be decompressed ends the connection, and not the process', async () => {
  const faults = Object.keys(said).filter((name) =>
    /close|no |wrong|reserved|unmasked|too long|rubbish|bomb|second/.test(name),
  )
  for (const fault of faults) {
    for (const behind of ['text', 'bytes', 'compressed text', 'rubbish', 'close']) {
      const { socket, connection } = sunk<'both'>({
        messages: 'both',
        compression: true,
        extensions: 'permessage-deflate',
      })
      const reasons: CloseReason[] = []
      connection.handle({ onData() {}, onClose: (reason) => void reasons.push(reason) })
      const chunks = ['compressed text', fault, behind, behind].map((name) => said[name] as Buffer)
      for (const chunk of chunks) socket.push(chunk)
      const closes = () => socket.frames.filter(({ opcode }) => opcode === close).length
      await until(() => closes() > 0)
      for (let turns = 0; turns < 3; turns++) await turn()
      expect(closes(), `${fault}, and ${behind} behind it`).toBe(1)
      connection.destroy()
      await turn()
      expect(reasons.length).toBe(1)
    }
  }
})
