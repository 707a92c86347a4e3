import { once } from 'node:events'
import { connect, createServer } from 'node:net'

import { opening } from '../opening.mjs'

const mebibyte = 1024 ** 2
const total = 1024 * mebibyte

/** 64 KiB of payload in a masked frame. */
const frame = Buffer.concat([
  Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]),
  Buffer.alloc(64 * 1024, 'x'),
])
const plain = Buffer.alloc(64 * 1024, 'x')

export const peak = true

/** The service behind the bridge: it reads slowly what comes first, or says 1 GiB when that is a line. */
const service = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', (first) => {
    if (first.toString('latin1', 0, 4) === 'send') void say(socket, plain)
    else void readSlowly(socket, first.length)
  })
}).listen(0, '127.0.0.1')
await once(service, 'listening')
service.unref()
process.env.FAIRLEAD_BENCH_TARGET = String(service.address().port)

/**
 * 1 GiB through the bridge to a service that reads slowly, and 1 GiB back to a client that does. A plain server hears
 * 1 GiB twice.
 */
export async function load(port, ask) {
  const bridged = (await ask('role')) === 'bridge'
  await upload(port)
  await (bridged ? download(port) : upload(port))
  return 2 * (total / mebibyte)
}

async function upload(port) {
  const socket = await open(port)
  await say(socket, frame)
  // Close, and the end of the other side, which has heard all by then.
  socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]))
  socket.resume()
  await once(socket, 'end')
  socket.destroy()
}

async function download(port) {
  const socket = await open(port)
  socket.write(Buffer.from([0x82, 0x84, 0, 0, 0, 0, ...Buffer.from('send')]))
  await readSlowly(socket, 0)
  socket.destroy()
}

async function open(port) {
  const socket = connect(port, '127.0.0.1')
  socket.write(opening)
  await once(socket, 'data')
  return socket
}

async function say(socket, piece) {
  for (let sent = 0; sent < total; sent += 64 * 1024) {
    if (!socket.write(piece)) await once(socket, 'drain')
  }
}

/** Rests for two milliseconds behind each MiB. */
function readSlowly(socket, heard) {
  return new Promise((resolve) => {
    let until = mebibyte
    socket.on('data', (chunk) => {
      heard += chunk.length
      if (heard >= total) resolve()
      if (heard < until) return
      until += mebibyte
      socket.pause()
      setTimeout(() => socket.resume(), 2)
    })
    socket.on('end', () => socket.end())
  })
}
