import { createServer, type Server } from 'node:net'

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
  const bound = first.address()
  const second = typeof bound === 'object' && bound ? await open(bound.port) : undefined
  first.close()
  second?.close()
  return second !== undefined
}

function open(port: number): Promise<Server | undefined> {
  // Not through the primary of a cluster, which shares in its own way.
  const options = { host: '127.0.0.1', port, exclusive: true, reusePort: true }
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(undefined))
    server.listen(options, () => resolve(server))
  })
}
