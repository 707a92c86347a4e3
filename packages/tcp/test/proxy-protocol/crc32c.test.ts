import { expect, test } from 'vitest'

import { crc32c } from '../../src/proxy-protocol/crc32c.ts'

/** The examples of RFC 3720 section B.4 (its bytes are in the order of the wire), and the usual check value. */
test.each<[string, Uint8Array, number]>([
  ['nothing', new Uint8Array(0), 0],
  ['digits', Buffer.from('123456789'), 0xe3069283],
  ['zeros', new Uint8Array(32), 0x8a9136aa],
  ['ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['up', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ['down', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
])('%s', (_, bytes, checksum) => {
  expect(crc32c(bytes)).toBe(checksum)
  for (let place = 0; place <= bytes.length; place++) {
    expect(crc32c(bytes.subarray(place), crc32c(bytes.subarray(0, place)))).toBe(checksum)
  }
})
