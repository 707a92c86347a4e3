import { describe, expect, test } from 'vitest'

import { outgoingBody } from '../../src/client/body/outgoing-body.ts'
import type { OutgoingBody } from '../../src/client/body/outgoing-body.ts'
import type { RequestBody } from '../../src/client/options.ts'
import { prepare, type Preparation } from '../../src/client/prepared-request.ts'
import { targetFor } from '../../src/client/target.ts'

function preparation(changes: Partial<Preparation> = {}, url = 'http://u:p@a.example:81/b?c#d'): Preparation {
  return {
    method: 'GET',
    target: targetFor(new URL(url)),
    fields: [],
    body: null,
    trailers: false,
    expect: 0,
    decode: false,
    upgrade: undefined,
    proxy: undefined,
    ...changes,
  }
}

const body = (given: RequestBody): OutgoingBody => outgoingBody(given) as OutgoingBody
const stream = (): OutgoingBody => body(new Blob(['x']).stream())

describe('a request that is prepared', () => {
  test('has its fields in their order: Host, the caller’s, what is missing', () => {
    const { head } = prepare(
      preparation({ method: 'POST', fields: ['X-A', 'b', 'x-a', 'c'], body: body('ahoy'), decode: true }),
    )
    const lines = head.split('\r\n')
    expect(lines.slice(0, 5)).toEqual([
      'POST /b?c HTTP/1.1',
      'Host: a.example:81',
      'X-A: b',
      'x-a: c',
      'User-Agent: fairlead',
    ])
    expect(lines.slice(5)).toEqual([
      expect.stringMatching(/^Accept-Encoding: /),
      `Authorization: Basic ${Buffer.from('u:p').toString('base64')}`,
      'Content-Type: text/plain;charset=UTF-8',
      'Content-Length: 4',
      '',
      '',
    ])
  })

  test('says once what its caller says in whatever letters', () => {
    const fields = [
      'hOST',
      'b.example',
      'USER-agent',
      'mine',
      'ACCEPT-encoding',
      'gzip',
      'authorizatION',
      'x',
      'content-TYPE',
      'a/b',
      'CONTENT-length',
      '4',
    ]
    const { head } = prepare(preparation({ method: 'POST', fields, body: body('ahoy'), decode: true }))
    expect(head.split('\r\n')).toEqual([
      'POST /b?c HTTP/1.1',
      'hOST: b.example',
      'USER-agent: mine',
      'ACCEPT-encoding: gzip',
      'authorizatION: x',
      'content-TYPE: a/b',
      'CONTENT-length: 4',
      '',
      '',
    ])
  })

  test.each<[string, Partial<Preparation>, number | string]>([
    ['GET without a body', {}, 'none'],
    ['DELETE without a body', { method: 'DELETE' }, 'none'],
    ['POST without a body', { method: 'POST' }, 0],
    ['POST with nothing', { method: 'POST', body: body('') }, 0],
    ['GET with a body', { body: body('ahoy') }, 4],
    ['text of more bytes than letters', { method: 'POST', body: body('é') }, 2],
    ['a stream', { method: 'POST', body: stream() }, 'chunked'],
    ['a stream with its length', { method: 'POST', body: stream(), fields: ['content-length', '1'] }, 1],
    ['a body with trailers', { method: 'POST', body: body('ahoy'), trailers: true }, 'chunked'],
  ])('is framed as %s', (_what, changes, framing) => {
    expect(prepare(preparation(changes)).framing).toBe(framing)
  })

  test.each<[string, Partial<Preparation>, boolean, boolean]>([
    ['GET', {}, true, true],
    ['HEAD', { method: 'HEAD' }, true, true],
    ['OPTIONS', { method: 'OPTIONS' }, true, true],
    ['TRACE', { method: 'TRACE' }, true, true],
    ['GET with a body', { body: body('x') }, false, true],
    ['PUT', { method: 'PUT' }, false, true],
    ['DELETE', { method: 'DELETE' }, false, true],
    ['POST', { method: 'POST' }, false, false],
    ['PATCH', { method: 'PATCH' }, false, false],
    ['get', { method: 'get' }, false, false],
    ['POST with a key', { method: 'POST', fields: ['Idempotency-Key', 'x'] }, false, true],
    ['an upgrade', { upgrade: 'x' }, false, false],
  ])('as %s may be pipelined, or sent twice, or neither', (_what, changes, safe, idempotent) => {
    expect(prepare(preparation(changes))).toMatchObject({ safe, idempotent })
  })

  test.each<[string, Partial<Preparation>, boolean]>([
    ['close', { fields: ['Connection', 'close'] }, true],
    ['Close among others', { fields: ['CONNECTION', 'x, Close'] }, true],
    ['keep-alive', { fields: ['Connection', 'keep-alive'] }, false],
    ['nothing', {}, false],
  ])('knows that it is the last when it says %s', (_what, changes, close) => {
    expect(prepare(preparation(changes)).close).toBe(close)
  })

  test('expects nothing without a body, and says once that it expects', () => {
    expect(prepare(preparation({ expect: 5 })).head).not.toContain('Expect')
    expect(prepare(preparation({ expect: 5 })).expect).toBe(0)
    const asked = prepare(preparation({ method: 'POST', expect: 5, body: body('x') }))
    expect([asked.expect, asked.head.match(/Expect: 100-continue\r\n/g)?.length]).toEqual([5, 1])
    const own = prepare(preparation({ method: 'POST', fields: ['expect', '100-Continue'], body: body('x') }))
    expect([own.expect, own.head.match(/expect: 100-continue\r\n/gi)?.length]).toEqual([1_000, 1])
  })

  test('for a proxy has the whole URL as its target, without user information', () => {
    const { head } = prepare(preparation({ proxy: { authorization: 'Basic x' } }))
    expect(head).toMatch(/^GET http:\/\/a\.example:81\/b\?c HTTP\/1\.1\r\nHost: a\.example:81\r\n/)
    expect(head).toContain('Proxy-Authorization: Basic x\r\n')
  })

  test('gives Proxy-Authorization of its caller to a proxy that knows of none, and to nobody else', () => {
    const fields = ['PROXY-authorization', 'Basic mine']
    const given = { authorization: undefined }
    expect(prepare(preparation({ fields, proxy: given })).head).toContain(
      'PROXY-authorization: Basic mine\r\n',
    )
    for (const proxy of [undefined, { authorization: 'Basic x' }]) {
      expect(() => prepare(preparation({ fields, proxy }))).toThrow(
        new TypeError(
          'Invalid option headers: Proxy-Authorization is made of the user information of the option proxy',
        ),
      )
    }
  })

  test('asks for another protocol without a body', () => {
    expect(() => prepare(preparation({ upgrade: 'x', method: 'POST', body: body('a') }))).toThrow(
      /^Invalid option body: /,
    )
    expect(prepare(preparation({ upgrade: 'x' })).head).toContain('Upgrade: x\r\n')
  })
})
