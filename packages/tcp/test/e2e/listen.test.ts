import { once } from 'node:events'
import { lstatSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Program } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { afterEach, describe, expect, test } from 'vitest'

afterEach(() => Program.killAll())

/** Starts a listener in another process, and resolves when it listens. */
async function echo(options: tcp.ListenOptions, start?: Parameters<typeof Program.start>[2]) {
  const program = Program.start(
    new URL('../programs/echo.mjs', import.meta.url),
    [JSON.stringify(options)],
    start,
  )
  const [line = ''] = await program.prints(/^\{.*\}$/gm)
  return { program, ...(JSON.parse(line) as { address: { port: number; path: string }; name?: string }) }
}

/** Says something, and expects it back. */
async function talk(where: tcp.ConnectOptions): Promise<void> {
  const connection = await tcp.connect(where)
  await connection.send('ahoy')
  for await (const chunk of connection) {
    expect(Buffer.from(chunk).toString()).toBe('ahoy')
    break
  }
  connection.destroy()
}

describe('a socket file', () => {
  test('that a killed process left is replaced by the next one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
    const path = join(folder, 'socket')
    const { program } = await echo({ path })
    program.child.kill('SIGKILL')
    await program.ended
    expect(lstatSync(path).isSocket()).toBe(true)
    await echo({ path, mode: 0o600 })
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
    await talk({ path })
    rmSync(folder, { recursive: true })
  })
})

describe('an inherited socket', () => {
  /** A listening socket of this process, and its number. */
  async function open(where: object): Promise<{ server: Server; descriptor: number }> {
    const server = createServer().listen(where)
    await once(server, 'listening')
    return { server, descriptor: (server as unknown as { _handle: { fd: number } })._handle.fd }
  }

  const systemd = { shell: 'export LISTEN_PID=$$;', env: { LISTEN_FDS: '1', LISTEN_FDNAMES: 'echo' } }

  test('is listened on as systemd passes it, and cannot be had again when it was closed', async () => {
    const { server, descriptor } = await open({ host: '127.0.0.1', port: 0 })
    const { port } = server.address() as { port: number }
    const child = await echo({}, { ...systemd, descriptor })
    server.close()
    expect(child.address).toMatchObject({ kind: 'ip', host: '127.0.0.1', port })
    expect(child.name).toBe('echo')
    await talk({ port })
    child.program.child.kill('SIGHUP')
    await child.program.prints(/Cannot listen on descriptor 3 again: suspending has closed it/g)
  })

  test('may be a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
    const path = join(folder, 'socket')
    const { server, descriptor } = await open({ path })
    const child = await echo({}, { ...systemd, descriptor })
    // The runtime does not tell which.
    expect(child.address).toEqual({ kind: 'unix', path: '' })
    // Not closed before: that would unlink the file. Nobody accepts here, and there are two to do it.
    server.on('connection', (socket: Socket) => socket.pipe(socket))
    for (let i = 0; i < 8; i++) await talk({ path })
    server.close()
    rmSync(folder, { recursive: true })
  })

  test('needs no variables', async () => {
    const { server, descriptor } = await open({ host: '127.0.0.1', port: 0 })
    const { port } = server.address() as { port: number }
    const child = await echo({ fd: 3 }, { descriptor })
    server.close()
    expect(child.address.port).toBe(port)
    await talk({ port })
  })
})

describe('a process without descriptors', () => {
  test('loses connections that it cannot accept, and goes on by itself', async () => {
    const { program, address } = await echo({ port: 0 }, { shell: 'ulimit -n 40;' })
    const sockets = Array.from({ length: 80 }, () => connect(address.port, '127.0.0.1').resume())
    // More than it has descriptors for: the system's queue is emptied, and nobody is left hanging.
    const gone = sockets.map(
      (socket) => new Promise((resolve) => socket.on('error', resolve).on('end', resolve)),
    )
    await Promise.race(gone)
    const heard = sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve)))
    for (const socket of sockets) socket.write('ahoy')
    await Promise.all(sockets.map((_, i) => Promise.race([gone[i], heard[i]])))
    for (const socket of sockets) socket.destroy()
    expect(program.child.exitCode).toBe(null)
    await expect.poll(() => talk({ port: address.port }).then(() => 'echoed', String)).toBe('echoed')
  })
})
