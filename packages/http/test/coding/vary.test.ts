import { expect, test } from 'vitest'

import { varyOn, withVary } from '../../src/coding/vary.ts'
import { Headers as OwnHeaders } from '../../src/web/headers.ts'

test.each([
  [null, 'Accept-Encoding'],
  ['', 'Accept-Encoding'],
  [' , ', 'Accept-Encoding'],
  ['Origin', 'Origin, Accept-Encoding'],
  ['Origin, Accept', 'Origin, Accept, Accept-Encoding'],
  ['X-Accept-Encoding', 'X-Accept-Encoding, Accept-Encoding'],
  ['Accept-Encoding', 'Accept-Encoding'],
  ['origin,accept-encoding', 'origin,accept-encoding'],
  ['ACCEPT-ENCODING , Origin', 'ACCEPT-ENCODING , Origin'],
  ['*', '*'],
  ['Origin, *', 'Origin, *'],
])('%j becomes %j', (vary, expected) => {
  expect(varyOn(vary, 'Accept-Encoding')).toBe(expected)
})

test.each([
  { name: 'the runtime', Kind: Headers },
  { name: 'ours', Kind: OwnHeaders },
])('headers of $name are given the name once', ({ Kind }) => {
  const headers = new Kind([
    ['Vary', 'Origin'],
    ['vary', 'Accept'],
  ])
  withVary(headers)
  withVary(headers)
  expect(headers.get('vary')).toBe('Origin, Accept, Accept-Encoding')
  withVary(headers, 'Cookie')
  expect(headers.get('vary')).toBe('Origin, Accept, Accept-Encoding, Cookie')
})
