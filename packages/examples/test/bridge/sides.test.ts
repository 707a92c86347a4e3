import { describe, expect, test } from 'vitest'

import { checkSides, sourceOf, targetOf } from '../../src/bridge/sides.ts'

describe('where to wait', () => {
  test.each([
    [':8080', { scheme: 'ws', host: undefined, port: 8080, path: undefined }],
    ['8080', { scheme: 'ws', host: undefined, port: 8080, path: undefined }],
    ['127.0.0.2:8080', { scheme: 'ws', host: '127.0.0.2', port: 8080, path: undefined }],
    ['[::1]:0', { scheme: 'ws', host: '::1', port: 0, path: undefined }],
    ['ws://:8080', { scheme: 'ws', host: undefined, port: 8080, path: undefined }],
    ['ws://:80/', { scheme: 'ws', host: undefined, port: 80, path: '/' }],
    ['WSS://Example.com:8443/vnc', { scheme: 'wss', host: 'example.com', port: 8443, path: '/vnc' }],
    ['tcp://:5900', { scheme: 'tcp', host: undefined, port: 5900, path: undefined }],
    ['tls://0.0.0.0:5901', { scheme: 'tls', host: '0.0.0.0', port: 5901, path: undefined }],
    ['udp://:53', { scheme: 'udp', host: undefined, port: 53, path: undefined }],
    ['unix:/run/a b', { scheme: 'unix', host: undefined, port: 0, path: '/run/a b' }],
  ])('%s', (text, source) => expect(sourceOf(text)).toEqual(source))

  test.each([
    ['http://:80', 'Cannot bridge http://:80: the scheme is none of ws, wss, tcp, tls, udp, unix'],
    ['memory:x', 'Cannot bridge memory:x: the scheme is none of ws, wss, tcp, tls, udp, unix'],
    ['localhost', 'Cannot wait at localhost: the port is missing'],
    ['ws://localhost/x', 'Cannot wait at ws://localhost/x: the port is missing'],
    ['tcp://localhost', 'Cannot bridge tcp://localhost: the port is missing'],
    [':99999', 'Cannot bridge :99999: '],
    ['99999', 'Cannot bridge 99999: '],
    [':80/x y', 'Cannot bridge :80/x y: white space'],
    ['tcp://:80/x', 'Cannot bridge tcp://:80/x: tcp has no path'],
    [':80?token=1', 'Cannot wait at :80?token=1: a query has no place in it'],
    ['', 'Cannot bridge : '],
    ['unix:', 'Cannot bridge unix:: nothing follows the scheme'],
  ])('%j is refused in words', (text, why) => expect(() => sourceOf(text)).toThrow(why))
})

describe('where to lead', () => {
  test.each([
    ['tcp://localhost:5900', { scheme: 'tcp', host: 'localhost', port: 5900 }],
    ['localhost:5900', { scheme: 'tcp', host: 'localhost', port: 5900 }],
    [':5900', { scheme: 'tcp', host: 'localhost', port: 5900 }],
    ['[::1]:5900', { scheme: 'tcp', host: '::1', port: 5900 }],
    ['ws://Example.com', { scheme: 'ws', host: 'example.com', port: 80, path: '/' }],
    ['wss://h/a?b', { scheme: 'wss', host: 'h', port: 443, path: '/a?b' }],
    ['udp://127.0.0.1:53', { scheme: 'udp', host: '127.0.0.1', port: 53 }],
    ['unix:/run/x', { scheme: 'unix', path: '/run/x' }],
  ])('%s', (text, target) => expect(targetOf(text)).toEqual(target))

  test.each([
    ['ftp://h:21', 'Cannot bridge ftp://h:21: the scheme is none of '],
    ['localhost', 'Cannot bridge localhost: the port is missing'],
    ['tcp://h:0', 'Cannot bridge to tcp://h:0: nothing has port 0'],
    ['tcp://a b:1', 'Cannot bridge tcp://a b:1: '],
  ])('%j is refused in words', (text, why) => expect(() => targetOf(text)).toThrow(why))

  test('credentials are refused, and not repeated', () => {
    const message = (): string => {
      try {
        return JSON.stringify(targetOf('wss://ann:secret@h/'))
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(message()).toContain('credentials have no place in it')
    expect(message()).not.toContain('secret')
  })
})

test('one side is a WebSocket, and the other one is not', () => {
  const check = (from: string, to: string) => (): void => checkSides(sourceOf(from), targetOf(to))
  for (const plain of ['tcp://h:1', 'tls://h:1', 'udp://h:1', 'unix:/x']) {
    expect(check(':1', plain)).not.toThrow()
    expect(check(plain, 'wss://h/')).not.toThrow()
  }
  expect(check(':1', 'ws://h/x?token=1')).toThrow(
    'Cannot bridge a WebSocket to a WebSocket: one side has to be tcp, tls, udp or unix (a TCP port to wait at is written tcp://:5900)',
  )
  expect(check('udp://:1', 'tcp://h:1')).toThrow(
    'Cannot bridge udp to tcp: one side has to be a WebSocket, ws://... or wss://...',
  )
})
