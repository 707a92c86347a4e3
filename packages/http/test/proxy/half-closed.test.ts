import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { answer } from '../client/raw-server.ts'
import { watchStrays } from '../faults/harness.ts'
import { head, quiet, until } from '../server/ways.ts'
import { before, stages } from './stage.ts'

watchStrays()

const clock = useManualClock()

describe.each(stages)('a client over $name that has ended its side', (stage) => {
  test('has its answer, which may take a while', async () => {
    await using server = await stage.raw.open()
    await using at = await before(stage, server)
    const client = await at.client({ stay: true })
    client.write(head('GET / HTTP/1.1'))
    client.connection.end()
    const peer = await server.peer()
    await peer.request()
    await quiet()
    clock.advance(1_500)
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none')
    await client.until(() => client.text.endsWith('one'))
    clock.advance(1_500)
    peer.write('two')
    await client.until(() => client.text.endsWith('onetwo'))
    await client.toEnd()
    expect(at.proxy.stats()).toMatchObject({ active: 0, failed: 0 })
    clock.advance(10_000)
    expect([at.errors, at.strays]).toEqual([[], []])
  })

  test.each(['before its answer', 'in the middle of it'])(
    'has its request aborted %s, when nothing comes',
    async (when) => {
      await using server = await stage.raw.open()
      await using at = await before(stage, server)
      const client = await at.client({ stay: true })
      client.write(head('GET / HTTP/1.1'))
      const peer = await server.peer()
      await peer.request()
      client.connection.end()
      await quiet()
      if (when !== 'before its answer') {
        peer.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none')
        await client.until(() => client.text.endsWith('one'))
      }
      expect(peer.gone).toBe(false)
      clock.advance(2_500)
      await until(() => peer.gone)
      await until(() => at.proxy.stats().active === 0)
      await until(() => client.ended || client.reason !== undefined)
      expect(client.text).toMatch(when === 'before its answer' ? /^HTTP\/1\.1 502 / : /one$/)
      expect([at.errors, at.strays]).toEqual([[], []])
    },
  )

  test('has its request aborted at once, where there is no grace', async () => {
    await using server = await stage.raw.open(() => undefined)
    await using at = await before(stage, server, { proxy: { endGrace: 0 } })
    const client = await at.client({ stay: true })
    client.write(head('GET / HTTP/1.1'))
    const peer = await server.peer()
    await peer.request()
    client.connection.end()
    await until(() => peer.gone)
    expect(at.errors).toEqual([])
    const other = await at.client()
    server.script = () => answer('ok')
    other.write(head('GET / HTTP/1.1'))
    expect((await other.replies(1))[0]?.status).toBe(200)
  })

  test('and resets then has its request aborted at once', async () => {
    await using server = await stage.raw.open(() => 'HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\none')
    await using at = await before(stage, server)
    const client = await at.client({ stay: true })
    client.write(head('GET / HTTP/1.1'))
    const peer = await server.peer()
    await client.until(() => client.text.endsWith('one'))
    client.connection.end()
    await quiet()
    client.connection.destroy(new Error('by the test'))
    await until(() => {
      peer.write('x')
      return peer.gone
    })
    await until(() => at.proxy.stats().active === 0)
    expect(at.errors).toEqual([])
  })
})
