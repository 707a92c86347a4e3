import { describe, expect, test } from 'vitest'

import { answer, response } from '../client/raw-server.ts'
import { before, stages } from '../proxy/stage.ts'
import { head, until } from '../server/ways.ts'
import { watchStrays } from './harness.ts'

watchStrays()

const size = 50_000_000
const block = 'fairlead'.repeat(8_000)

describe.each(stages)('11 an early answer over $name, through a proxy', (stage) => {
  for (const framing of [`Content-Length: ${size}`, 'Transfer-Encoding: chunked']) {
    test.each(['401 Unauthorized', '413 Content Too Large'])(
      `%s while 50 MB are still to come (${framing}) is seen`,
      async (status) => {
        await using server = await stage.raw.open()
        await using at = await before(stage, server, { serve: { maxBodySize: Infinity } })
        const client = await at.client()
        const piece = framing.startsWith('C') ? block : `${block.length.toString(16)}\r\n${block}\r\n`
        client.write(head('PUT / HTTP/1.1', framing) + piece)
        const peer = await server.peer()
        await until(() => peer.text.includes(block.slice(0, 100)))
        peer.write(response(status, 'no more'))
        const sending = (): boolean => {
          if (client.connection.state === 'open' && client.connection.buffered === 0 && !client.ended)
            client.write(piece)
          return client.text.endsWith('no more')
        }
        await until(sending)
        expect(client.text).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`))
        await until(() => client.ended || client.reason !== undefined)
        await until(() => peer.gone)
        await until(() => at.proxy.stats().active === 0)
        expect([at.errors, at.strays]).toEqual([[], []])
        expect(peer.text.length).toBeLessThan(size)
      },
    )
  }

  test.each(['401 Unauthorized', '413 Content Too Large', '417 Expectation Failed', '200 OK'])(
    '%s in the place of 100 is seen, and nothing of the body was asked for',
    async (status) => {
      await using server = await stage.raw.open()
      await using at = await before(stage, server, { serve: { maxBodySize: Infinity } })
      const client = await at.client()
      client.write(head('PUT / HTTP/1.1', `Content-Length: ${size}`, 'Expect: 100-continue'))
      const peer = await server.peer()
      await until(() => peer.text.endsWith('\r\n\r\n'))
      peer.write(response(status, 'early'))
      await until(() => client.text.endsWith('early'))
      expect(client.text).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`))
      expect(client.text).not.toContain('100 Continue')
      expect(peer.text.split('\r\n\r\n')[1]).toBe('')
      await until(() => at.proxy.stats().active === 0)
      expect([at.errors, at.strays]).toEqual([[], []])
    },
  )

  test('an answer that is no error does not stop the body', async () => {
    await using server = await stage.raw.open()
    await using at = await before(stage, server)
    const client = await at.client()
    client.write(`${head('POST / HTTP/1.1', 'Content-Length: 6')}one`)
    const peer = await server.peer()
    await until(() => peer.text.endsWith('one'))
    peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nuno\r\n')
    await client.until(() => client.text.includes('uno'))
    client.write('two')
    await until(() => peer.text.endsWith('onetwo'))
    peer.write('0\r\n\r\n')
    expect((await client.replies(1))[0]?.body).toBe('uno')
    peer.connection.destroy()
    server.script = () => answer('again')
    client.write(head('GET / HTTP/1.1'))
    expect((await client.replies(2))[1]?.body).toBe('again')
  })
})
