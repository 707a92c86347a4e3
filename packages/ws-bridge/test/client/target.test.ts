import { describe, expect, test } from 'vitest'

import { clientTarget } from '../../src/client/target.ts'

describe('the URL of a WebSocket', () => {
  test.each<[string, string, string, string, string]>([
    // URL, whom to connect to, path and query, Host, name in errors
    ['ws://a.example', 'http://a.example/', '/', 'a.example', 'ws://a.example/'],
    ['WS://A.Example:80/X', 'http://a.example/X', '/X', 'a.example', 'ws://a.example/X'],
    ['wss://a.example:443', 'https://a.example/', '/', 'a.example', 'wss://a.example/'],
    ['ws://a.example:443/', 'http://a.example:443/', '/', 'a.example:443', 'ws://a.example:443/'],
    ['wss://a.example:80/', 'https://a.example:80/', '/', 'a.example:80', 'wss://a.example:80/'],
    ['ws://[::1]:7000/a?b=c&d#e', 'http://[::1]:7000/a?b=c&d', '/a?b=c&d', '[::1]:7000', 'ws://[::1]:7000/a'],
    ['ws://h/?', 'http://h/', '/', 'h', 'ws://h/'],
    ['ws://h/a b/ü?ü', 'http://h/a%20b/%C3%BC?%C3%BC', '/a%20b/%C3%BC?%C3%BC', 'h', 'ws://h/a%20b/%C3%BC'],
    ['ws://me:secret@h/', 'http://h/', '/', 'h', 'ws://h/'],
    ['ws+unix:/run/a.sock', 'http://localhost/', '/', 'localhost', 'ws+unix:/run/a.sock:/'],
    [
      'ws+unix:/run/a.sock:/b/c?d#e',
      'http://localhost/b/c?d',
      '/b/c?d',
      'localhost',
      'ws+unix:/run/a.sock:/b/c',
    ],
    ['ws+unix:///run/a.sock:/b:c', 'http://localhost/b:c', '/b:c', 'localhost', 'ws+unix:/run/a.sock:/b:c'],
    ['ws+unix:a.sock:/b c', 'http://localhost/b%20c', '/b%20c', 'localhost', 'ws+unix:a.sock:/b%20c'],
    ['ws+unix:/run/a.sock?d', 'http://localhost/?d', '/?d', 'localhost', 'ws+unix:/run/a.sock:/'],
  ])('%s', (url, whom, path, authority, name) => {
    for (const given of [url, new URL(url)]) {
      const target = clientTarget(given)
      expect([target.url.href, target.path, target.authority, target.name]).toEqual([
        whom,
        path,
        authority,
        name,
      ])
    }
  })

  test.each([
    ['ws+unix:/run/a.sock', '/run/a.sock'],
    ['ws+unix:/run/a%20b%3Ac.sock:/x', '/run/a b:c.sock'],
    ['ws+unix:a.sock:/x', 'a.sock'],
    ['ws+unix:%00name:/x', '\0name'],
    ['ws://h/', undefined],
  ])('%s is at the Unix socket %j', (url, path) => {
    expect(clientTarget(url).unix).toBe(path)
  })

  test.each([
    ['ws://me:pass@h', 'me:pass'],
    ['ws://me@h', 'me:'],
    ['ws://:pass@h', ':pass'],
    ['ws://a%40b:%3A%2F@h', 'a@b::/'],
    ['ws://%C3%BC:100%@h', 'ü:100%'],
    ['ws://h', undefined],
  ])('%s says who asks', (url, credentials) => {
    const value = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
    expect(clientTarget(url).authorization).toBe(value)
  })

  test.each([
    ['secret', 'Invalid URL: it is not an absolute one'],
    ['/secret', 'Invalid URL: it is not an absolute one'],
    ['ws://u:secret@', 'Invalid URL: it is not an absolute one'],
    ['ws://h:secret', 'Invalid URL: it is not an absolute one'],
    ['http://u:secret@h', 'Invalid URL: the scheme is none of ws, wss and ws+unix'],
    ['wss+unix:/secret', 'Invalid URL: the scheme is none of ws, wss and ws+unix'],
    ['ws://u%3A:secret@h', 'Invalid URL: a user name cannot hold a colon'],
    ['ws://u:secret%0A@h', 'Invalid URL: the user information holds a control character'],
    ['ws+unix://secret/x', 'Invalid URL: ws+unix has the path of a socket in the place of a host'],
    [
      'ws+unix::/secret',
      'Invalid URL: ws+unix has the path of a socket, a colon, and the path of the request',
    ],
    [
      'ws+unix:/x:secret',
      'Invalid URL: ws+unix has the path of a socket, a colon, and the path of the request',
    ],
    ['ws+unix:/secret%FF', 'Invalid URL: the path of the socket has escapes that are none'],
  ])('%s is refused, and not repeated', (url, message) => {
    expect(() => clientTarget(url)).toThrow(new TypeError(message))
  })
})
