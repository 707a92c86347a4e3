import { describe, expect, test } from 'vitest'

import { answer } from '../client/raw-server.ts'
import { before, stages } from '../proxy/stage.ts'
import { head, quiet, until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

describe.each(stages)('12 a server over $name that closes as it is asked again', (stage) => {
  const asks: [string, string, boolean][] = [
    ['GET', head('GET /second HTTP/1.1'), true],
    ['DELETE', head('DELETE /second HTTP/1.1'), true],
    ['POST', head('POST /second HTTP/1.1'), false],
    ['POST with a body', `${head('POST /second HTTP/1.1', 'Content-Length: 4')}body`, false],
    ['PUT with a body', `${head('PUT /second HTTP/1.1', 'Content-Length: 4')}body`, false],
    ['POST with a key', head('POST /second HTTP/1.1', 'Idempotency-Key: 1'), true],
  ]
  test.each(asks)('%s is sent again only where that does no harm', async (_what, text, again) => {
    await using server = await stage.raw.open(({ target }, peer) => {
      if (target === '/first' || peer !== server.peers[0]) return answer(target)
      peer.reset()
      return undefined
    })
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET /first HTTP/1.1'))
    await client.replies(1)
    client.write(text)
    const [, reply] = await client.replies(2)
    expect([reply?.status, reply?.body]).toEqual(again ? [200, '/second'] : [502, '502 Bad Gateway\n'])
    const seen = server.peers.flatMap(({ asked }) => asked.filter(({ target }) => target === '/second'))
    expect(seen).toHaveLength(again ? 2 : 1)
    expect(at.proxy.stats()).toMatchObject({ retries: again ? 1 : 0, active: 0 })
  })

  test('nothing is sent again where the option says so', async () => {
    await using server = await stage.raw.open(({ target }, peer) => {
      if (target === '/first') return answer(target)
      peer.reset()
      return undefined
    })
    await using at = await before(stage, server, { proxy: { retry: false } })
    const client = await at.client()
    client.write(head('GET /first HTTP/1.1'))
    await client.replies(1)
    client.write(head('GET /second HTTP/1.1'))
    expect((await client.replies(2))[1]?.status).toBe(502)
    expect(server.peers).toHaveLength(1)
  })

  test('bytes that came unasked are nobody’s answer', async () => {
    await using server = await stage.raw.open(({ target }) => answer(target))
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(head('GET /1 HTTP/1.1'))
    await client.replies(1)
    const peer = await server.peer()
    peer.write(answer('poison'))
    await until(() => peer.gone)
    client.write(head('GET /2 HTTP/1.1'))
    expect((await client.replies(2))[1]?.body).toBe('/2')

    // In one read with the answer before.
    server.script = ({ target }) => answer(target) + answer('poison')
    client.write(head('GET /3 HTTP/1.1') + head('GET /4 HTTP/1.1'))
    const replies = await client.replies(4)
    expect(
      replies
        .slice(2)
        .map(({ body }) => body)
        .includes('poison'),
    ).toBe(false)
    await quiet()
    expect(at.proxy.stats().active).toBe(0)
  })
})
