// What undici's own tests found in `request`; see conformance/suites.mjs.

import { expect, test } from 'vitest'

import { prepare } from '../../src/client/prepared-request.ts'
import { targetFor } from '../../src/client/target.ts'

function headOf(method: string, fields: readonly string[]): string {
  return prepare({
    method,
    target: targetFor(new URL('http://a/')),
    fields,
    body: null,
    trailers: false,
    expect: 0,
    decode: false,
    upgrade: undefined,
    proxy: undefined,
  }).head
}

test('a caller may say of a DELETE without a body that its length is 0', () => {
  expect(headOf('DELETE', ['Content-Length', '0'])).toContain('\r\nContent-Length: 0\r\n')
  expect(headOf('DELETE', [])).not.toContain('Content-Length')
})

test('a length that nothing follows is refused', () => {
  expect(() => headOf('DELETE', ['Content-Length', '1'])).toThrow('Content-Length contradicts the framing')
})
