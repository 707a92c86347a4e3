import { setImmediate as turn } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { openPieces, type PieceOpener } from '../../src/message/piece-source.ts'
import { head, until, ways } from './ways.ts'

const pieces = 40

// Small ones, so that there is room for more while they wait, and one turn apart, so that they are not gathered.
test.each(ways)(
  'over $name, the memory of pieces is used again when they have left, and not while they wait',
  async (way) => {
    const buffered: number[] = []
    let given = 0
    await using server = await way.listen((exchange) => {
      const connection = [...server.connections][0]!
      const body: PieceOpener = {
        [openPieces]: () => ({
          async next() {
            await turn()
            if (given === pieces) return { value: undefined, done: true }
            given++
            return { value: Buffer.alloc(500), done: false }
          },
          cancel() {},
          reuse: () => void buffered.push(connection.buffered),
        }),
        [Symbol.asyncIterator]: () => {
          throw new Error('it is read by its own way')
        },
      }
      return exchange.respond(200, {}, body)
    })
    const client = await way.connect(server)
    client.write(head('GET / HTTP/1.1'))
    await until(() => given === pieces)
    expect(buffered.every((bytes) => bytes === 0)).toBe(true)
    // In memory nothing leaves before it is read, and nobody has read anything.
    if (way.name === 'memory') expect(buffered.length).toBeLessThan(pieces / 2)
    else expect(buffered.length).toBeGreaterThan(0)
    client.destroy()
  },
)
