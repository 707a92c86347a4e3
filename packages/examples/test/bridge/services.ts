import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

import { afterEach } from 'vitest'

/** Something that is bridged to. */
export interface Service {
  readonly port: number
  /** Connections that it has had. */
  readonly sockets: readonly Socket[]
}

const closing: (() => Promise<void>)[] = []

/** Ends the services of the file that calls this, behind each test. */
export function useServices(): void {
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()))
  })
}

/** A TCP server, each of whose connections `serve` talks to. */
export async function serveTcp(serve: (socket: Socket) => void): Promise<Service> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

/** A port at which nobody listens any more. */
export async function deserted(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Greets, and answers every line with the same in capitals; `bye` ends it. */
export function serveLines(): Promise<Service> {
  return serveTcp((socket) => {
    let rest = ''
    socket.write('Welcome\n')
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line === 'bye') socket.end('Farewell\n')
        else socket.write(`${line.toUpperCase()}\n`)
      }
    })
  })
}

/**
 * As a VNC server begins: it says its version, hears the client's, and offers to ask for no password (RFC 6143 sections
 * 7.1.1 and 7.1.2).
 */
export function serveRfb(): Promise<Service> {
  return serveTcp((socket) => {
    socket.write('RFB 003.008\n')
    socket.once('data', () => socket.write(Buffer.from([1, 1])))
  })
}

/** A name server that knows the address of one name, and of no other (RFC 1035). */
export async function serveDns(name: string, address: string): Promise<{ readonly port: number }> {
  const socket = createSocket('udp4')
  const known = dnsName(name)
  socket.on('message', (query, { port, address: client }) => {
    const end = query.indexOf(0, 12) + 5
    const question = query.subarray(12, end)
    const isKnown =
      question.subarray(0, known.length).equals(known) && question.readUInt16BE(known.length) === 1
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(isKnown ? 0x81_80 : 0x81_83, 2) // an answer; or: there is no such name
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(isKnown ? 1 : 0, 6)
    // The name is that of the question; an address, of the Internet, for a minute.
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]
    socket.send(Buffer.concat([head, question, Buffer.from(isKnown ? answer : [])]), port, client)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  closing.push(async () => {
    socket.close()
    await once(socket, 'close')
  })
  return { port: socket.address().port }
}

/** A question for the address of a name (RFC 1035 section 4.1). */
export function dnsQuestion(id: number, name: string): Buffer {
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([head, dnsName(name), Buffer.from([0, 1, 0, 1])])
}

function dnsName(name: string): Buffer {
  const labels = name.split('.').map((label) => String.fromCharCode(label.length) + label)
  return Buffer.from(`${labels.join('')}\0`, 'latin1')
}
