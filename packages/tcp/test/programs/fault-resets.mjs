// Resets connections in each phase of their lives, both those that were accepted and those that were made; with `tls` as
// the argument, over TLS. Says in JSON how each phase ended, and what the process held before and after. What is
// thrown or rejected and not caught ends the program: nothing here keeps it alive.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setImmediate as turn, setTimeout } from 'node:timers/promises'

import { splice } from '@fairlead/core'
import { lengthPrefixed } from '@fairlead/core/framing'
import * as tcp from '@fairlead/tcp'
import { lend, unwrap } from '@fairlead/tcp/node'
import { acceptProxy } from '@fairlead/tcp/proxy-protocol'

import {
  accepting,
  clientOptions,
  connecting,
  dialWire,
  identity,
  quiet,
  serve,
  serverOptions,
  withTls,
} from './fault-peers.mjs'

/** In each phase; a handshake costs many times what a connection does. */
const resets = withTls ? 50 : 1_000
const atOnce = 50
const large = Buffer.alloc(8 * 1024 * 1024)

/** What a connection does when its peer resets it; the function that it returns comes behind that. */
const phases = {
  new: ({ connection, handler }) => {
    return async () => {
      await insist(connection)
      connection.handle(handler)
    }
  },
  silent: ({ connection, handler }) => connection.handle(handler),
  'inside a message': ({ connection, handler, peer }) => {
    lengthPrefixed(connection).handle(handler)
    peer.write(Buffer.from([0, 0, 1, 0, 1, 2, 3]))
  },
  writing: ({ connection, handler }) => {
    connection.handle(handler)
    const sending = connection.send(large)
    return () => assert.rejects(sending, { name: 'BrokenError' })
  },
  'writing, and nobody waits': ({ connection, handler }) => {
    connection.handle(handler)
    for (let i = 0; i < 100; i++) void connection.send(large.subarray(0, 100_000))
  },
  paused: ({ connection, handler }) => {
    connection.handle(handler)
    connection.pause()
    return () => connection.resume()
  },
  'read by nobody': ({ connection, handler }) => {
    return async () => {
      await insist(connection)
      connection.handle(handler)
    }
  },
  ended: ({ connection, handler }) => {
    connection.handle(handler)
    connection.end()
  },
  'ended by its peer': async ({ connection, handler, peer }) => {
    const ended = new Promise((resolve) => (handler.onEnd = resolve))
    connection.handle(handler)
    peer.end()
    await ended
    return () => insist(connection)
  },
  closing: ({ connection, handler }) => {
    connection.handle(handler)
    const closing = connection.close({ grace: 60_000 })
    return () => closing
  },
  'closing behind output that waits': ({ connection, handler }) => {
    connection.handle(handler)
    void connection.send(large)
    const closing = connection.close({ grace: 60_000 })
    return () => closing
  },
  'handed over': ({ connection, handler }) => {
    const { socket } = unwrap(connection)
    // Who was in the slot before hears nothing of it.
    connection.handle(handler)
    const broken = once(socket.resume(), 'error')
    return () => broken
  },
  lent: ({ connection, handler }) => {
    lend(connection, { onClose: handler.onClose }).resume().write('mine')
  },
  spliced: async ({ connection, peer, reasons, another }) => {
    const other = await another()
    const splicing = splice(connection, other.connection)
    peer.write('carried')
    await once(other.peer, 'data')
    return async () => {
      const { by, reason } = await splicing
      assert.equal(by, connection)
      assert.equal((await other.connection.closed).kind, 'error')
      reasons.push(reason)
      other.wire.destroy()
    }
  },
}

if (!withTls) {
  phases['starting TLS'] = ({ connection, handler, listener }) => {
    const starting = tcp.startTls(connection, listener ? identity : { ca: identity.cert })
    connection.handle(handler)
    return () => assert.rejects(starting, { phase: 'tls' })
  }
}

/** The same for those that only a listener has. */
function decidedLate({ decide, handler }) {
  return () => decide(handler)
}

function shutDown({ connection, handler, listener }) {
  connection.handle({ ...handler, onShutdown() {} })
  const closing = listener.close({ grace: 60_000 })
  return () => closing
}

/** What a listener asks of a connection before anybody accepts it, and what that has said when it is reset. */
const early = {
  'in a prelude': [{ prelude: listen }, 'hello'],
  'in a PROXY header': [{ prelude: acceptProxy({ trust: ['127.0.0.1'] }) }, 'PROXY TCP4 192.0.2.1 19'],
  ...(withTls && { 'in a TLS hello': [{}, Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])] }),
}

async function late(source, phase) {
  const subject = await source.next()
  if (phase !== phases.new) await quiet()
  const behind = await phase(subject)
  await subject.reset()
  await behind?.()
  const reason = await subject.connection.closed
  await turn()
  assert.deepEqual(subject.reasons, [reason])
  return reason.kind
}

async function beforeAccept([options, bytes]) {
  const unwanted = () => assert.fail('nobody came as far as that')
  const listener = await tcp.listen({ port: 0, ...serverOptions, ...options }, unwanted)
  const wire = await dialWire(listener.address.port)
  await until(() => listener.stats().pending === 1)
  wire.write(bytes)
  await quiet()
  wire.resetAndDestroy()
  await until(() => listener.stats().pending === 0)
  await listener.close()
  const { accepted, refused } = listener.stats()
  return `${accepted} accepted, ${refused.prelude + refused.handshake} refused`
}

/** A server that resets what connects to it, at once or behind the first that it hears. */
async function beforeConnect(reset) {
  const server = await serve(reset)
  const options = withTls ? clientOptions : { prelude: speak }
  const error = await tcp.connect({ port: server.port, ...options }).catch((reason) => reason)
  server.close()
  return error.name
}

async function listen(connection) {
  for await (const _ of connection);
}

async function speak(connection) {
  connection.write('hello')
  await listen(connection)
}

/** Writes until it hears that nobody is there, which can take as long as a write may. */
async function insist(connection) {
  while (connection.state === 'open') {
    void connection.send('is anybody there?')
    await setTimeout(1)
  }
}

async function until(condition) {
  while (!condition()) await turn()
}

function resources() {
  return process.getActiveResourcesInfo().toSorted().join()
}

const outcomes = {}

/** Resets as many as there are to be; those that have come to an end cost the others nothing. */
async function repeat(name, scenario) {
  const ends = new Set()
  for (let count = 0; count < resets; count += atOnce) {
    for (const end of await Promise.all(Array.from({ length: atOnce }, scenario))) ends.add(end)
  }
  outcomes[name] = [...ends]
}

async function repeatOn(source, name, phase) {
  await repeat(name, () => late(source, phase))
  await source.close()
}

const before = resources()
await repeat('made, at once', () => beforeConnect((wire) => wire.resetAndDestroy()))
await repeat('made, behind its first bytes', () =>
  beforeConnect((wire) => wire.once('data', () => wire.resetAndDestroy())),
)
for (const [name, phase] of Object.entries(phases)) {
  // Over TLS, writes of those that are new hang until their time is over: nothing else is waited for.
  const options = withTls && phase === phases.new ? { writeTimeout: 200 } : {}
  await repeatOn(await accepting(options), `accepted, ${name}`, phase)
  await repeatOn(await connecting(options), `made, ${name}`, phase)
}
await repeatOn(await accepting({ decidesLater: true }), 'accepted, not decided on', decidedLate)
// Here the listener ends as well, so that each has one of its own.
await repeat('accepted, in a shutdown', async () => late(await accepting(), shutDown))
for (const [name, phase] of Object.entries(early)) {
  await repeat(`accepted, ${name}`, () => beforeAccept(phase))
}
await until(() => resources() === before)
console.log(JSON.stringify({ resets, outcomes }))
