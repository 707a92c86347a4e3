import { encode } from 'uqr'
import { expect, test } from 'vitest'

import { qrCode } from '../../src/serve/qr.ts'

const url = 'http://192.168.1.2:8080/'

test('a code has two modules in a character, its own colours and an edge of four', () => {
  const lines = qrCode(url).split('\n')
  const { size } = encode(url, { border: 4, ecc: 'L' })
  expect(lines).toHaveLength(Math.ceil(size / 2))
  const shown = lines.map((line) => /^\u001b\[97;40m([█▀▄ ]+)\u001b\[0m$/.exec(line)?.[1] ?? '')
  for (const line of shown) expect(line).toHaveLength(size)
  for (const line of shown) expect(line).toMatch(/^█{4}.*█{4}$/)
  expect(shown.slice(0, 2)).toEqual(['█'.repeat(size), '█'.repeat(size)])
})

test('read back, its modules are those of the code', () => {
  const { data } = encode(url, { border: 4, ecc: 'L' })
  const shown = qrCode(url)
    .split('\n')
    .map((line) => line.slice(8, -4))
  const back = data.map((_, row) =>
    data.map((_, column) => {
      const character = shown[row >> 1]?.[column] ?? ''
      return row % 2 === 0 ? '▄ '.includes(character) : '▀ '.includes(character)
    }),
  )
  expect(back).toEqual(data)
})
