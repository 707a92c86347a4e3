import { createSocket, type Socket, type SocketOptions } from 'node:dgram'

let known = false

/**
 * Refuses `reusePort` where the runtime or the system does not let two sockets share a port. Older runtimes
 * ignore the option without a word, and their version tells nothing where one runtime claims to be another:
 * so it is tried, on loopback.
 */
export async function requireReusePort(): Promise<void> {
  known ||= await isShared()
  if (known) return
  const { version, platform } = process
  throw new TypeError(`Invalid option reusePort: ports are not shared here (${version}, ${platform})`)
}

async function isShared(): Promise<boolean> {
  const first = await open(0)
  if (!first) return false
  const second = await open(first.address().port)
  first.close()
  second?.close()
  return second !== undefined
}

function open(port: number): Promise<Socket | undefined> {
  const options: SocketOptions & { reusePort: boolean } = { type: 'udp4', reusePort: true }
  return new Promise((resolve) => {
    const socket = createSocket(options).once('error', () => {
      socket.close()
      resolve(undefined)
    })
    // Not through the primary of a cluster, which shares in its own way.
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => resolve(socket))
  })
}
