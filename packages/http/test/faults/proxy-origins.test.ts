import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import { answer } from '../client/raw-server.ts'
import { before, front, memory } from '../proxy/stage.ts'
import { head } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

describe('19 hosts and secrets, through a proxy', () => {
  test.each(['a b', 'a@b', 'a/b', 'a?b', 'a:b', 'a:99999', '[::1', '::1', 'a\\b', 'a"b', '[v1.x]:x'])(
    'a Host that is none is refused: %s',
    async (host) => {
      await using server = await memory.raw.open(() => answer())
      await using at = await before(memory, server, { proxy: { preserveHost: true } })
      const client = await at.client()
      client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 400 /)
      expect(server.peers).toEqual([])
    },
  )

  test.each([
    ['localhost.evil.example', 'localhost.evil.example'],
    ['127.evil.example:80', '"127.evil.example:80"'],
    ['[2001:DB8::1]:8080', '"[2001:DB8::1]:8080"'],
    ['a;b=c', '"a;b=c"'],
  ])('a Host is passed on, and quoted where it has to be: %s', async (host, quoted) => {
    await using server = await memory.raw.open(() => answer())
    await using at = await before(memory, server, { proxy: { preserveHost: true } })
    const client = await at.client()
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nOrigin: null\r\n\r\n`)
    await client.replies(1)
    const { fields } = (await server.peer()).asked[0]!
    expect([fields.get('host'), fields.get('x-forwarded-host'), fields.get('origin')]).toEqual([
      host,
      host,
      'null',
    ])
    expect(fields.get('forwarded')).toBe(`for=unknown;host=${quoted};proto=http`)
  })

  test('an error tells of no secret, and the client is told of nothing', async () => {
    const secret = 's3cret'
    await using at = await front(memory, 'http://inside.example/base', {
      proxy: { connect: () => Promise.reject(new Error('no route to inside')) },
    })
    const client = await at.client()
    client.write(
      head(`GET /a?token=${secret} HTTP/1.1`, `Authorization: Bearer ${secret}`, `Cookie: id=${secret}`),
    )
    await client.replies(1)
    expect(client.text).not.toMatch(/inside|route/)
    expect(at.errors).toHaveLength(1)
    expect(inspect(at.errors[0], { depth: 10 })).not.toContain(secret)
    expect(String(at.errors[0])).toContain('http://inside.example/base/a')
  })
})
