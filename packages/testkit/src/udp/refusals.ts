import assert from 'node:assert/strict'
import process from 'node:process'

import * as udp from '@fairlead/udp'

import { feature, type Feature } from '../check.ts'
import { failureOf, soon, until } from '../wait.ts'
import { deafPort, listenIn, open, texts } from './meeting.ts'

/** What is refused, by the call or by the system, and what that costs. */
export const refusalFeatures: readonly Feature[] = [
  feature('wrong options are refused by name', async () => {
    const wrong: [udp.BindOptions, RegExp][] = [
      [{ port: -1 }, /^Invalid option port: /],
      [{ host: '' }, /^Invalid option host: /],
      [{ ttl: 0 }, /^Invalid option ttl: /],
      [{ multicastTtl: 256 }, /^Invalid option multicastTtl: /],
      [{ recvBufferSize: 0 }, /^Invalid option recvBufferSize: /],
      [{ sendQueue: { policy: 'sometimes' as never } }, /^Invalid option sendQueue\.policy: /],
    ]
    for (const [options, message] of wrong) await assert.rejects(udp.bind(options), { message })
  }),

  feature('wrong destinations are refused by the call', async (broom) => {
    const socket = await open(broom)
    const to = (host: string, port: number) => () => socket.write('x', { host, port })
    assert.throws(to('127.0.0.1', 0), RangeError)
    assert.throws(to('local host', 9), TypeError)
    assert.throws(to('0x7f.1', 9), TypeError)
    assert.throws(to('::1', 9), /bound to IPv4/)
    assert.throws(() => socket.write(5 as never, socket.address), TypeError)
    assert.deepEqual([socket.stats().sent, socket.stats().sendErrors], [0, 0])
  }),

  feature('a port in use, an address of somebody else, a name of nobody: ListenError', async (broom) => {
    const { port } = (await open(broom)).address
    await assert.rejects(udp.bind({ port }), {
      name: 'ListenError',
      message: `Cannot bind 127.0.0.1:${port}: address is in use`,
      phase: 'bind',
      retryable: true,
    })
    await assert.rejects(udp.bind({ host: '203.0.113.1' }), {
      name: 'ListenError',
      message: 'Cannot bind 203.0.113.1:0: address is not available on this machine',
    })
    await assert.rejects(udp.bind({ host: 'nobody.invalid' }), { name: 'ListenError' })
  }),

  feature('an aborted signal is rethrown, and the port is free', async (broom) => {
    const port = await deafPort()
    const reason = new Error('changed my mind')
    const controller = new AbortController()
    const binding = udp.bind({ port, signal: controller.signal })
    controller.abort(reason)
    assert.equal(await failureOf(binding, 'binding'), reason)
    assert.equal((await open(broom, { port })).address.port, port)
  }),

  feature('a broadcast address needs the option', async (broom) => {
    const { socket, heard } = await listenIn(broom, { host: '0.0.0.0' })
    const to = { host: '127.255.255.255', port: socket.address.port }
    await socket.send('x', to)
    await until(() => heard.told.length === 1, 'it is told')
    assert.equal(heard.told[0]?.name, 'BrokenError')
    assert.match(
      heard.told[0]?.message ?? '',
      /^Cannot send to 127\.255\.255\.255:\d+: permission denied \(a broadcast address needs the option/,
    )
    assert.deepEqual([socket.stats().sent, socket.stats().sendErrors], [0, 1])
    if (process.platform !== 'linux') return
    // Elsewhere the loopback interface has no broadcast address.
    const loud = await open(broom, { broadcast: true })
    await loud.send('everybody', { ...to, host: '127.255.255.255' })
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.deepEqual(heard.from, [loud.address])
  }),

  feature('what the system refuses costs its datagram only', async (broom) => {
    const { socket: server, heard } = await listenIn(broom)
    const { socket: client, heard: own } = await listenIn(broom)
    client.write('before', server.address)
    client.write('a longer one', { host: '127.255.255.255', port: 9 })
    client.write('behind', server.address)
    await until(() => heard.texts.length === 2, 'the others arrive')
    await until(() => client.buffered === 0, 'nothing is under way')
    assert.deepEqual(heard.texts.toSorted(), ['before', 'behind'])
    assert.equal(own.told.length, 1)
    const { sent, sendErrors } = client.stats()
    assert.deepEqual([sent, sendErrors], [2, 1])
  }),

  feature('a closed port tells a bound socket nothing, and costs no other peer anything', async (broom) => {
    const { socket: server, heard } = await listenIn(broom)
    const { socket: client, heard: own } = await listenIn(broom)
    const deaf = { host: '127.0.0.1', port: await deafPort() }
    for (const text of texts(20)) {
      // The refusal comes at once over loopback, in time for the next to meet it.
      client.write('x', deaf)
      client.write(text, server.address)
    }
    await until(() => heard.texts.length === 20, 'the others arrive')
    await until(() => client.buffered === 0, 'nothing is under way')
    assert.deepEqual(own.told, [])
    const { sent, sendErrors, refused } = client.stats()
    assert.deepEqual([sent, sendErrors, refused], [40, 0, 0])
  }),

  feature(
    'a callback that fails costs its datagram when somebody is told, else the socket',
    async (broom) => {
      const [told, client] = [await open(broom), await open(broom)]
      const failures: string[] = []
      const fail = (): void => {
        throw new Error('mine')
      }
      told.handle({ onDatagram: fail, onTrouble: (error) => void failures.push(error.message) })
      for (let count = 1; count <= 2; count++) {
        await client.send('x', told.address)
        await until(() => failures.length === count, 'it is told')
      }
      assert.deepEqual(failures, Array(2).fill('Datagram handler failed: mine'))
      const alone = await open(broom)
      alone.handle({ onDatagram: fail })
      await client.send('x', alone.address)
      const reason = await soon(alone.closed, 'it is closed')
      assert.ok(reason.kind === 'error' && reason.error.message === failures[0])
    },
  ),

  feature('options of traffic are applied, or the socket is refused', async (broom) => {
    const options = { ttl: 8, multicastTtl: 1, multicastLoopback: true, multicastInterface: '127.0.0.1' }
    const { socket, heard } = await listenIn(broom, { ...options, broadcast: true, sendBufferSize: 8_192 })
    await socket.send('to itself', socket.address)
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.ok(socket.stats().sendBufferSize >= 8_192)
    const refused = udp.bind({ multicastInterface: '203.0.113.1' })
    await assert.rejects(refused, { name: 'ListenError', message: /^Cannot set option multicastInterface / })
  }),

  feature('multicast can be kept on this machine', async (broom) => {
    await open(broom, { multicastTtl: 0 })
  }),
]
