import fc from 'fast-check'
import { expect, test } from 'vitest'

import { tokenTargetOf } from '../../src/bridge/endpoints.ts'
import { tokenIn } from '../../src/bridge/tokens.ts'
import type { HandshakeRequest } from '../../src/handshake.ts'

test.each([
  ['host:5900', { scheme: 'tcp', host: 'host', port: 5900 }],
  ['HOST.Example:5900', { scheme: 'tcp', host: 'host.example', port: 5900 }],
  ['192.0.2.7:1', { scheme: 'tcp', host: '192.0.2.7', port: 1 }],
  ['::1:5900', { scheme: 'tcp', host: '::1', port: 5900 }],
  ['[::1]:5900', { scheme: 'tcp', host: '::1', port: 5900 }],
  ['::ffff:127.0.0.1:5900', { scheme: 'tcp', host: '127.0.0.1', port: 5900 }],
  ['tls://host:5900', { scheme: 'tls', host: 'host', port: 5900 }],
  ['UDP://host:53', { scheme: 'udp', host: 'host', port: 53 }],
  ['unix:/run/a b.sock', { scheme: 'unix', path: '/run/a b.sock' }],
  ['unix_socket:/run/a b.sock', { scheme: 'unix', path: '/run/a b.sock' }],
])('%s leads to %o', (text, target) => {
  expect(tokenTargetOf(text)).toEqual(target)
})

test.each([
  '',
  'host',
  ':5900',
  'host:',
  'host:0',
  'host:65536',
  'host:5900/path',
  'host :5900',
  'user:password@host:5900',
  '0x7f.1:5900',
  '127.1:5900',
  'unix:',
  'unix_socket:',
  'ws://host:1',
  'wss://host:1',
  'http://host:1',
  'memory:host',
  'tcp://host',
  'tcp:host:1',
  '\0:1',
])('%j leads nowhere', (text) => {
  expect(() => tokenTargetOf(text)).toThrow(/^Invalid (?:target|endpoint): /)
})

test('any text is a target, or refused by a TypeError or RangeError that repeats no password', () => {
  const secret = fc.string().map((text) => `u:hunter2@${text}:1`)
  fc.assert(
    fc.property(fc.oneof(fc.string(), secret), (text) => {
      try {
        return ['tcp', 'tls', 'udp', 'unix'].includes(tokenTargetOf(text).scheme)
      } catch (error) {
        const named = error instanceof TypeError || error instanceof RangeError
        return named && !error.message.includes('hunter2')
      }
    }),
  )
})

test('any token comes back out of the request that it was put in', () => {
  const request = (target: string): HandshakeRequest => ({ target }) as HandshakeRequest
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(text, (token) => {
      const query = new URLSearchParams({ other: 'x', token }).toString()
      expect(tokenIn(request(`/a?${query}`), '/a', '/', 'query')).toBe(token)
      const segment = encodeURIComponent(token)
      expect(tokenIn(request(`/a/${segment}`), `/a/${segment}`, '/a', 'path')).toBe(token)
      expect(tokenIn(request(`/${segment}`), `/${segment}`, '/', 'path')).toBe(token)
    }),
  )
})
