import { Fields, Headers } from '@fairlead/http'
import { describe, expect, test } from 'vitest'

import { handshakeFields } from '../../src/client/fields.ts'

describe('fields of a handshake', () => {
  test.each<[string, Parameters<typeof handshakeFields>[0]]>([
    ['a record', { Origin: 'http://h', Cookie: ['a=1', 'b=2'], 'X-Count': 3 }],
    [
      'pairs',
      [
        ['Origin', 'http://h'],
        ['cookie', 'a=1'],
        ['COOKIE', 'b=2'],
        ['X-Count', '3'],
      ],
    ],
    ['Fields', new Fields(['Origin', 'http://h', 'Cookie', 'a=1', 'Cookie', 'b=2', 'X-Count', '3'])],
  ])('may be %s', (_, headers) => {
    expect(handshakeFields(headers)).toEqual({
      origin: ['http://h'],
      cookie: ['a=1', 'b=2'],
      'x-count': ['3'],
    })
  })

  test('may be those of the web, and of names that objects have', () => {
    expect(handshakeFields(new Headers({ A: 'b' }))).toEqual({ a: ['b'] })
    const named = handshakeFields([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    expect(Object.entries(named)).toEqual([
      ['__proto__', ['x']],
      ['constructor', ['y']],
    ])
    expect(handshakeFields({})).toEqual({})
  })

  test.each<[unknown, RegExp]>([
    [{ 'Sec-WebSocket-Protocol': 'x' }, /Sec-WebSocket-Protocol is made of the option protocols$/],
    [{ 'sec-websocket-EXTENSIONS': 'x' }, /sec-websocket-EXTENSIONS is made of the option compression$/],
    [{ 'Sec-WebSocket-Key': 'x' }, /Sec-WebSocket-Key is the handshake’s own$/],
    [{ Upgrade: 'x' }, /Upgrade is the handshake’s own$/],
    [{ Connection: 'close' }, /Connection is the handshake’s own$/],
    [{ 'Content-Length': 5 }, /Content-Length is of a body, and a handshake has none$/],
    [{ 'Transfer-Encoding': 'chunked' }, /Transfer-Encoding is of a body/],
    [{ 'Proxy-Authorization': 'Basic secret' }, /Proxy-Authorization is made of the user information/],
    [{ Host: ['a', 'b'] }, /Host is said once$/],
    [{ 'X-Bad': 'a\r\nInjected: secret' }, /the value of X-Bad cannot be sent$/],
    [{ 'X-Bad': 'secret\0' }, /the value of X-Bad cannot be sent$/],
    [{ 'X-Bad': 'secret €' }, /the value of X-Bad cannot be sent$/],
    [{ 'X-Bad': undefined }, /the value of X-Bad cannot be sent$/],
    [{ 'X-Bad': {} }, /the value of X-Bad cannot be sent$/],
    [{ 'X Bad': 'secret' }, /the name of a field is none$/],
    [{ 'X\r\nBad': 'secret' }, /the name of a field is none$/],
    [{ '': 'secret' }, /the name of a field is none$/],
    [[[1, 'secret']], /the name of a field is none$/],
    ['secret', /they are neither a record nor pairs$/],
    [null, /they are neither a record nor pairs$/],
  ])('are refused: %j', (headers, message) => {
    const attempt = (): unknown => handshakeFields(headers as never)
    expect(attempt).toThrow(TypeError)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(/^Invalid option headers: (?!.*secret)/)
  })
})
