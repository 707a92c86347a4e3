import assert from 'node:assert/strict'

import type { ByteConnection } from '@fairlead/core'

import { feature, type Feature } from '../check.ts'
import { until } from '../wait.ts'
import { head, open, wire } from './meeting.ts'

/** Says everything again, in capitals. */
function shout({ connection, head: first }: { connection: ByteConnection; head: Uint8Array }): void {
  connection.handle(
    { onData: (chunk) => void connection.write(Buffer.from(chunk).toString().toUpperCase()) },
    first,
  )
}

export const upgradeFeatures: readonly Feature[] = [
  feature('a connection is taken over, with the bytes that came behind the head', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(426, { Upgrade: 'shout' }))
    served.server.onUpgrade((exchange) => {
      if (!exchange.request.upgrade?.includes('shout')) return false
      const taken = exchange.takeOver()
      assert.equal(Buffer.from(taken.head).toString(), 'ahoy ')
      taken.connection.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n',
      )
      shout(taken)
      return true
    })
    const client = await wire(broom, served)
    client.write(head('GET /', 'Connection: Upgrade', 'Upgrade: shout') + 'ahoy ')
    await client.heard('AHOY ')
    client.write('there')
    await client.heard('AHOY THERE')
    assert.equal(served.server.stats().upgrades, 1)
    assert.equal(served.server.connections.size, 1)
    client.connection.end()
    await client.toEnd()
    await until(() => served.server.connections.size === 0, 'it left the set of the listener')
  }),

  feature('an upgrade that nobody takes is a request as any other', async (broom) => {
    const served = await open(broom, (exchange) => exchange.respond(426, { Upgrade: 'shout' }, 'no'))
    const take = served.server.onUpgrade(() => false)
    const client = await wire(broom, served)
    client.write(head('GET /', 'Connection: Upgrade', 'Upgrade: whisper') + head('GET /'))
    take()
    const answers = await client.answers(2)
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body]),
      [
        [426, 'no'],
        [426, 'no'],
      ],
    )
  }),

  feature('CONNECT becomes a tunnel', async (broom) => {
    const served = await open(broom, (exchange) => {
      assert.deepEqual([exchange.request.method, exchange.request.form], ['CONNECT', 'authority'])
      const taken = exchange.takeOver()
      taken.connection.write('HTTP/1.1 200 OK\r\n\r\n')
      shout(taken)
    })
    const client = await wire(broom, served)
    client.write('CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\nahoy ')
    await client.heard('AHOY ')
    client.write('there')
    client.connection.end()
    assert.match(await client.toEnd(), /^HTTP\/1\.1 200 OK\r\n\r\nAHOY THERE$/)
  }),
]
