import { ConnectError, TimeoutError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import type { RefusedError } from '../../src/client/refused-error.ts'
import { quiet, read, until, urlOf } from '../harness.ts'
import { accepting, acceptOf, answering, failureOf } from './servers.ts'

const clock = useManualClock()

/** What comes of an answer: the error, once the connection is gone. */
async function refusal(
  answer: (request: string) => string,
  options: websocket.WebSocketConnectOptions = {},
): Promise<Error & Record<string, unknown>> {
  await using listener = await answering((request, connection) => void connection.write(answer(request)))
  const error = await failureOf(websocket.connect(urlOf(listener, '/path?secret'), options))
  await until(() => listener.connections.size === 0)
  expect(error.message).toMatch(/^Cannot connect to ws:\/\/127\.0\.0\.1:\d+\/path: /)
  expect(JSON.stringify(error) + error.message).not.toContain('secret')
  return error
}

describe('a client asks', () => {
  /** The request that comes of these options. */
  async function asked(options: websocket.WebSocketConnectOptions, path = '/'): Promise<string[]> {
    let request = ''
    await using listener = await answering((all, connection) => {
      request = all
      connection.destroy()
    })
    await failureOf(websocket.connect(urlOf(listener, path), options))
    return request.split('\r\n')
  }

  test('nothing that it was not told to', async () => {
    const lines = await asked({}, '/a/b?c=d#e')
    expect(lines.map((line) => line.replace(/(?<=key: ).*|(?<=127.0.0.1:).*/i, '...'))).toEqual([
      'GET /a/b?c=d HTTP/1.1',
      'host: 127.0.0.1:...',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: ...',
      'Connection: Upgrade',
      'Upgrade: websocket',
      '',
      '',
    ])
  })

  test('with fields, subprotocols, compression and who it is', async () => {
    const lines = await asked({
      headers: { Origin: 'http://h', Cookie: ['a=1', 'b=2'], Host: 'other.example' },
      protocols: ['x', 'y'],
      compression: true,
    })
    for (const line of ['origin: http://h', 'cookie: a=1; b=2', 'host: other.example'])
      expect(lines).toContain(line)
    expect(lines).toContain('Sec-WebSocket-Protocol: x,y')
    const offer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
    expect(lines).toContain(`Sec-WebSocket-Extensions: ${offer}`)
  })

  test('by the user information of the URL, unless a field says otherwise', async () => {
    let request = ''
    await using listener = await answering((all, connection) => {
      request = all
      connection.destroy()
    })
    const url = urlOf(listener).replace('//', '//name:secret@')
    const error = await failureOf(websocket.connect(url))
    expect(request).toContain(`\r\nauthorization: Basic ${btoa('name:secret')}\r\n`)
    expect(`${error.message} ${error.stack} ${JSON.stringify(error.cause)}`).not.toContain('secret')
    await failureOf(websocket.connect(url, { headers: { Authorization: 'Bearer x' } }))
    expect(request.match(/authorization: .*/gi)).toEqual(['authorization: Bearer x'])
  })
})

describe('an answer is refused', () => {
  test.each([
    [200, false],
    [301, false],
    [400, false],
    [401, false],
    [404, false],
    [426, false],
    [408, true],
    [425, true],
    [429, true],
    [500, true],
    [503, true],
  ])('with %i, which may pass: %j', async (status, retryable) => {
    const headers = 'Content-Length: 0\r\nLocation: ws://elsewhere\r\nX-Two: a\r\nX-Two: b\r\n'
    const error = await refusal(() => `HTTP/1.1 ${status} Reason\r\n${headers}\r\n`)
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ name: 'RefusedError', code: 'ERR_FAIRLEAD_WEBSOCKET_REFUSED' })
    expect(error).toMatchObject({ phase: 'handshake', status, retryable })
    expect(error.message).toMatch(new RegExp(`: the server answered ${status}$`))
    expect((error as unknown as RefusedError).headers.get('x-two')).toBe('a, b')
  })

  const head = (...lines: string[]): string => [...lines, '', ''].join('\r\n')

  test.each<[string, (request: string) => string, RegExp]>([
    ['no HTTP', () => 'SSH-2.0-OpenSSH_9.2\r\n', /Parse Error/],
    ['in HTTP/1.0', (asked) => accepting(asked).replace('1.1', '1.0'), /answered in HTTP\/1.0$/],
    [
      'a 101 without Upgrade',
      (asked) => accepting(asked).replace(/Upgrade: .*\r\n/, ''),
      /did not say to what$/,
    ],
    [
      'a 101 without Connection',
      (asked) => accepting(asked).replace(/Conn.*\r\n/, ''),
      /did not say to what$/,
    ],
    [
      'a 101 with Connection: close alone',
      (asked) => accepting(asked).replace('Connection: Upgrade', 'Connection: close'),
      /did not say to what$/,
    ],
    ['a 101 to another protocol', (asked) => accepting(asked).replace('websocket', 'h2c'), /Upgrade/],
    ['a 101 to two protocols', (asked) => accepting(asked, 'Upgrade: h2c'), /Upgrade/],
    [
      'a 101 without a key',
      () => head('HTTP/1.1 101 X', 'Upgrade: websocket', 'Connection: Upgrade'),
      /Accept/,
    ],
    ['a 101 for another key', () => accepting('sec-websocket-key: x\r\n'), /Invalid Sec-WebSocket-Accept/],
    [
      'a 101 for the key in another case',
      (asked) => accepting(asked).replace(acceptOf(asked), acceptOf(asked).toLowerCase()),
      /Invalid Sec-WebSocket-Accept/,
    ],
    [
      'a 101 for two keys',
      (asked) => accepting(asked, `Sec-WebSocket-Accept: ${acceptOf(asked)}`),
      /Invalid Sec-WebSocket-Accept/,
    ],
    ['a 101 with a length', (asked) => accepting(asked, 'Content-Length: 2'), /gave its 101 a body$/],
    ['a 101 in chunks', (asked) => accepting(asked, 'Transfer-Encoding: chunked'), /gave its 101 a body$/],
    ['a bare LF', (asked) => accepting(asked).replaceAll('\r\n', '\n'), /Parse Error/],
    ['folded lines', (asked) => accepting(asked, 'X-A: a', ' b'), /Parse Error/],
    ['an endless head', (asked) => accepting(asked, `X-A: ${'a'.repeat(20_000)}`), /overflow/i],
  ])('that is %s', async (_, answer, message) => {
    const error = await refusal(answer)
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_CONNECT', phase: 'handshake', retryable: false })
    expect(error.message).toMatch(message)
    expect(error.cause).toBeInstanceOf(Error)
  })

  test.each<[string, readonly string[], readonly string[]]>([
    ['none was offered', [], ['chat']],
    ['none was offered, and it is empty', [], ['']],
    ['others were offered', ['talk'], ['chat']],
    ['it was offered in another case', ['chat'], ['Chat']],
    ['it is one of those offered, twice', ['chat'], ['chat', 'chat']],
    ['it is a list of those offered', ['chat', 'talk'], ['chat, talk']],
    ['some were offered, and it is empty', ['chat'], ['']],
    ['some were offered, and there is none', ['chat'], []],
  ])('whose subprotocol is wrong: %s', async (_, protocols, answered) => {
    const lines = answered.map((protocol) => `Sec-WebSocket-Protocol: ${protocol}`)
    const error = await refusal((asked) => accepting(asked, ...lines), { protocols })
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'handshake', retryable: false })
    expect(error.message).toMatch(/subprotocol/)
  })

  test.each<[string, boolean, readonly string[]]>([
    ['none was asked for', false, ['permessage-deflate']],
    ['none was asked for, and it is empty', false, ['']],
    ['another was asked for', true, ['x-webkit-deflate-frame']],
    ['another is there, too', true, ['permessage-deflate, x-other']],
    ['it is there twice', true, ['permessage-deflate, permessage-deflate']],
    ['it is there on two lines', true, ['permessage-deflate', 'permessage-deflate']],
    ['a parameter is unknown', true, ['permessage-deflate; x-level=9']],
    [
      'a parameter comes twice',
      true,
      ['permessage-deflate; server_no_context_takeover; server_no_context_takeover'],
    ],
    ['a window is too large', true, ['permessage-deflate; server_max_window_bits=999']],
    ['a window is too small', true, ['permessage-deflate; server_max_window_bits=7']],
    ['a window for us was not offered', true, ['permessage-deflate; client_max_window_bits=8']],
    ['it is no list', true, ['permessage-deflate;;']],
  ])('whose extension is wrong: %s', async (_, compression, answered) => {
    const lines = answered.map((extension) => `Sec-WebSocket-Extensions: ${extension}`)
    const error = await refusal((asked) => accepting(asked, ...lines), { compression })
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'handshake', retryable: false })
    expect(error.message).toMatch(/extension/i)
  })
})

describe('an answer is taken', () => {
  const text = Buffer.concat([Buffer.of(0x81, 4), Buffer.from('ahoy')])

  test('after interim answers, and with words in any letter case', async () => {
    await using listener = await answering((asked, connection) => {
      const answer = accepting(asked, 'X-A: b')
        .replace('Upgrade: websocket', 'upgrade:WebSocket')
        .replace('Connection: Upgrade', 'connection:  keep-alive, UPGRADE  ')
      connection.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${answer}`)
      connection.write(text)
    })
    const connection = await websocket.connect(urlOf(listener))
    expect(await read(connection, 1)).toEqual(['ahoy'])
    connection.destroy()
  })

  test('however it is split, the first message in it', async () => {
    let at = 0
    await using listener = await answering((asked, connection) => {
      const bytes = Buffer.concat([Buffer.from(accepting(asked)), text])
      connection.write(bytes.subarray(0, at))
      void quiet().then(() => connection.write(bytes.subarray(at)))
    })
    // A hundred bytes of the head, and all of the frame.
    for (at of [1, 8, 12, 15, 33, 36, 60, 80, 127, 128, 129, 130, 131, 132, 134]) {
      const connection = await websocket.connect(urlOf(listener))
      expect(await read(connection, 1)).toEqual(['ahoy'])
      connection.destroy()
    }
  })

  test('with the subprotocol that the server chose, or none', async () => {
    const answers = [['Sec-WebSocket-Protocol: talk'], []]
    await using listener = await answering((asked, connection) => {
      connection.write(accepting(asked, ...answers.shift()!))
    })
    const chosen = await websocket.connect(urlOf(listener), { protocols: ['chat', 'talk'] })
    const none = await websocket.connect(urlOf(listener))
    expect([chosen.protocol, none.protocol]).toEqual(['talk', ''])
    for (const connection of [chosen, none]) connection.destroy()
  })
})

describe('time for a handshake', () => {
  test('is one, however its bytes come', async () => {
    let head: ((more: string) => void) | undefined
    await using listener = await answering((asked, connection) => {
      head = (more) => void (connection.state === 'open' && connection.write(more))
      head(accepting(asked).slice(0, 20))
    })
    const failing = failureOf(websocket.connect(urlOf(listener, '/?secret'), { handshakeTimeout: 1_000 }))
    for (const letter of 'trickling') {
      await until(() => head !== undefined)
      head?.(letter)
      await quiet()
      clock.advance(250)
    }
    const error = await failing
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ phase: 'handshake', retryable: true })
    expect(error.message).toMatch(/^Cannot connect to ws:\/\/.*\/: no handshake within 1000 ms$/)
    await until(() => listener.connections.size === 0)
  })

  test('is ten seconds unless told otherwise, and none once it is over', async () => {
    let answer: (() => void) | undefined
    await using listener = await answering((asked, connection) => {
      answer = () => void connection.write(accepting(asked))
    })
    const patient = websocket.connect(urlOf(listener), { handshakeTimeout: Infinity })
    await until(() => answer !== undefined)
    const answerPatient = answer
    answer = undefined
    const failing = failureOf(websocket.connect(urlOf(listener)))
    await until(() => answer !== undefined)
    clock.advance(9_500)
    await quiet()
    expect(listener.connections.size).toBe(2)
    clock.advance(750)
    expect(await failing).toMatchObject({ name: 'TimeoutError', phase: 'handshake' })
    clock.advance(600_000)
    answerPatient?.()
    ;(await patient).destroy()
    answer = undefined
    const connecting = websocket.connect(urlOf(listener), { heartbeat: false })
    await until(() => answer !== undefined)
    answer!()
    const connection = await connecting
    clock.advance(600_000)
    await quiet()
    expect(connection.state).toBe('open')
    connection.destroy()
  })
})
