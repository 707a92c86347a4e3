// Connections of ours whose peers are bare sockets of the runtime, which can be reset at any moment.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as secure, createSecureContext, TLSSocket } from 'node:tls'

import * as tcp from '@fairlead/tcp'
import { generate } from 'selfsigned'

export const withTls = process.argv[2] === 'tls'

const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  algorithm: 'sha256',
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
})
const secureContext = createSecureContext({ cert, key })

export const identity = { cert, key }

/** For a listener and for `connect`. */
export const serverOptions = { writeTimeout: 2_000, ...(withTls && { tls: identity }) }
export const clientOptions = { writeTimeout: 2_000, ...(withTls && { tls: { ca: cert } }) }

/** A connection of ours, what its handler heard at the end, and its peer: `wire` is the socket below TLS. */
class Subject {
  reasons = []

  constructor(connection, { wire, peer }) {
    this.connection = connection
    this.wire = wire
    this.peer = peer
    this.handler = { onData() {}, onClose: (reason) => this.reasons.push(reason) }
  }

  async reset() {
    this.wire.resetAndDestroy()
    await once(this.wire, 'close')
  }
}

/** Both ends of connections find each other by the port of the one who connected. */
class Meetings {
  #meetings = new Map()

  come(port, guest) {
    this.#at(port).resolve(guest)
  }

  async expect(port) {
    const guest = await this.#at(port).promise
    this.#meetings.delete(port)
    return guest
  }

  #at(port) {
    let meeting = this.#meetings.get(port)
    if (meeting) return meeting
    meeting = {}
    meeting.promise = new Promise((resolve) => (meeting.resolve = resolve))
    this.#meetings.set(port, meeting)
    return meeting
  }
}

/** Subjects that a listener accepted; those of one that decides later can be given their handler with `decide`. */
export async function accepting({ decidesLater = false, ...options } = {}) {
  const meetings = new Meetings()
  const listener = await tcp.listen({ port: 0, ...serverOptions, ...options }, (connection) => {
    let decide
    const decision = new Promise((resolve) => (decide = resolve))
    meetings.come(connection.remoteAddress.port, { connection, decide, listener })
    return decidesLater ? decision : undefined
  })
  return {
    async next() {
      const peer = await dial(listener.address.port)
      const { connection, ...more } = await meetings.expect(peer.wire.localPort)
      return Object.assign(new Subject(connection, peer), more, { another: () => this.next() })
    },
    close: () => listener.close({ grace: 0 }),
  }
}

/** Subjects that connected to a server. */
export async function connecting(options = {}) {
  const meetings = new Meetings()
  const server = await serve((wire) => {
    const peer = withTls ? new TLSSocket(wire, { isServer: true, secureContext }) : wire
    meetings.come(wire.remotePort, { wire, peer: careless(peer) })
  })
  return {
    async next() {
      const connection = await tcp.connect({ port: server.port, ...clientOptions, ...options })
      const peer = await meetings.expect(connection.localAddress.port)
      return Object.assign(new Subject(connection, peer), { another: () => this.next() })
    },
    close: () => server.close(),
  }
}

/** A server of bare sockets. */
export async function serve(accept) {
  const server = createServer({ allowHalfOpen: true }, (socket) => void accept(careless(socket)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: server.address().port, close: () => void server.close() }
}

/** A bare socket that is connected. */
export async function dialWire(port) {
  const wire = careless(connect({ port, host: '127.0.0.1', allowHalfOpen: true }))
  await once(wire, 'connect')
  return wire
}

async function dial(port) {
  const wire = await dialWire(port)
  if (!withTls) return { wire, peer: wire }
  const peer = careless(secure({ socket: wire, ca: cert, host: '127.0.0.1' }))
  await once(peer, 'secureConnect')
  return { wire, peer }
}

/** Goes on when both ends have read what is under way: the sessions of TLSv1.3 come behind its handshake. */
export async function quiet() {
  for (let i = 0; i < 4; i++) await turn()
}

/** Its troubles are its own. */
function careless(socket) {
  return socket.on('error', () => {})
}
