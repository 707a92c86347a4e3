import { connect } from 'node:net'

const atATime = 16
const each = 250
const message = Buffer.alloc(64, 'x')

export const units = atATime * each

/** One connection after the other: 64 bytes out, 64 bytes back, end. */
export async function load(port) {
  await Promise.all(Array.from({ length: atATime }, () => visit(port)))
}

async function visit(port) {
  for (let left = each; left > 0; left--) await echo(port)
}

function echo(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let missing = message.length
    socket.on('data', (chunk) => {
      missing -= chunk.length
      if (missing === 0) socket.end()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.write(message)
  })
}
