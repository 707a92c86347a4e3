import { execFile } from 'node:child_process'
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { ListenError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'
import { outcome, Program } from '@fairlead/harness'
import { listen } from '@fairlead/http'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-'))
  path = join(folder, 'socket')
})

afterEach(async () => {
  await Program.killAll()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

/** A server in a process of its own; resolves with what it says first. */
async function serving(options: object, shell = ''): Promise<{ program: Program; said: string }> {
  const program = Program.start(
    new URL('../programs/serving.mjs', import.meta.url),
    [JSON.stringify(options)],
    { shell },
  )
  const [said = ''] = await program.prints(/^.+$/gm)
  return { program, said }
}

async function curl(...options: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--max-time', '5', ...options])
  return stdout
}

/** Says `ahoy` through a Unix socket, and expects it back. */
const overUnix = (): Promise<string> => curl('--unix-socket', path, '-d', 'ahoy', 'http://example/')

describe('22 no descriptors', () => {
  test('connections that cannot be accepted are lost, and it goes on by itself', async () => {
    const { program, said } = await serving({ host: '127.0.0.1' }, 'ulimit -n 40;')
    const port = Number(/:(\d+)$/.exec(said)?.[1])
    const sockets = Array.from({ length: 80 }, () => connect(port, '127.0.0.1'))
    const fates = sockets.map(
      (socket) =>
        new Promise<string>((resolve) => {
          socket.once('data', () => resolve('answered'))
          socket.once('error', () => resolve('lost'))
          socket.once('end', () => resolve('lost'))
          socket.write('GET / HTTP/1.1\r\nHost: example\r\n\r\n')
        }),
    )
    // More than it has descriptors for; nobody is left hanging.
    const fate = await Promise.all(fates)
    expect(new Set(fate)).toEqual(new Set(['answered', 'lost']))
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(() => curl('-d', 'ahoy', `http://127.0.0.1:${port}/`).catch(String), { interval: 20 })
      .toBe('ahoy')
    program.child.kill('SIGTERM')
    await program.ended
    expect(program.child.exitCode).toBe(0)
  })
})

describe('22 an address that is in use', () => {
  test('a port', async () => {
    await using server = await listen({ port: 0, host: '127.0.0.1' })
    const { address } = server
    if (address.kind !== 'ip') throw new Error('not on a port')
    const again = listen({ port: address.port, host: '127.0.0.1' })
    await expect(again).rejects.toThrow(ListenError)
    await expect(again).rejects.toThrow(`Cannot listen on 127.0.0.1:${address.port}: address is in use`)
    const { said } = await serving({ port: address.port, host: '127.0.0.1' })
    expect(said).toContain('address is in use')
  })

  test('the file of a Unix socket that somebody serves on', async () => {
    await serving({ path })
    await expect(listen({ path })).rejects.toThrow(`Cannot listen on unix:${path}: address is in use`)
    expect(await overUnix()).toBe('ahoy')
  })

  test('one that a killed process left behind is replaced', async () => {
    const { program } = await serving({ path })
    expect(await overUnix()).toBe('ahoy')
    program.child.kill('SIGKILL')
    await program.ended
    expect(lstatSync(path).isSocket()).toBe(true)
    await expect(overUnix()).rejects.toThrow('curl')
    const second = await serving({ path })
    expect(second.said).toBe(`listening on unix:${path}`)
    expect(await overUnix()).toBe('ahoy')
    second.program.child.kill('SIGTERM')
    await second.program.ended
    expect(lstatSync(path, { throwIfNoEntry: false })).toBe(undefined)
  })

  test('another file is nobody’s to replace', async () => {
    writeFileSync(path, 'precious')
    await expect(listen({ path })).rejects.toThrow('a file that is no socket is there')
    expect(lstatSync(path).size).toBe(8)
  })
})

describe('22 the clock', () => {
  test.each([
    ['forward', 1],
    ['backward', -1],
  ])('jumps %s by a day: Date goes with it, and no deadline hears of it', async (_, sign) => {
    const times = {
      headersTimeout: 60_000,
      bodyTimeout: 60_000,
      keepAliveTimeout: 60_000,
      lingerGrace: 60_000,
    }
    let ask = (): void => {}
    const asked = new Promise<void>((resolve) => (ask = resolve))
    await using server = await listen(
      { port: 0, host: '127.0.0.1', idleGrace: 0, ...times },
      async (exchange) => {
        ask()
        await exchange.respond(200, {}, await exchange.request.body.bytes())
      },
    )
    const { address } = server
    if (address.kind !== 'ip') throw new Error('not on a port')
    const url = `http://127.0.0.1:${address.port}/`
    const before = Date.parse((await fetch(url)).headers.get('date') ?? '')
    expect(Math.abs(before - Date.now())).toBeLessThan(60_000)

    // One in its head, one in its body, one idle.
    const inHead = connect(address.port, '127.0.0.1')
    const inBody = connect(address.port, '127.0.0.1')
    inHead.write('POST / HTTP/1.1\r\nHost: exa')
    inBody.write('POST / HTTP/1.1\r\nHost: example\r\nContent-Length: 4\r\n\r\nah')
    await asked
    const day = 24 * 60 * 60 * 1_000
    const real = Date.now.bind(Date)
    vi.spyOn(Date, 'now').mockImplementation(() => real() + sign * day)
    const after = Date.parse((await fetch(url)).headers.get('date') ?? '')
    expect(Math.abs(after - before - sign * day)).toBeLessThan(60_000)
    // All deadlines are looked at together: when this one has passed, those of the connections were seen, too.
    await new Promise<void>((resolve) => new Deadline({ onDeadline: resolve }).set(1))
    inHead.write('mple\r\nContent-Length: 4\r\nConnection: close\r\n\r\nahoy')
    inBody.write('oy')
    for (const socket of [inHead, inBody]) {
      let text = ''
      for await (const chunk of socket) {
        text += String(chunk)
        if (text.endsWith('ahoy')) break
      }
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*ahoy$/)
    }
  })
})

describe('23 starting and stopping', () => {
  test('closed while it starts', async () => {
    const canceller = new AbortController()
    const starting = listen({ port: 0, host: 'localhost', signal: canceller.signal })
    canceller.abort(new Error('enough'))
    await expect(starting).rejects.toThrow('enough')
    const server = await listen({ port: 0 }).then((it) => {
      void it.close()
      return it
    })
    expect(await server.closed).toEqual({ kind: 'local' })
    await expect(listen({ port: 0, signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    )
  })

  test('closed and destroyed by an exchange, several times over', async () => {
    const closings: Promise<void>[] = []
    const server = await listen({ port: 0, host: '127.0.0.1', idleGrace: 0 }, (exchange) => {
      closings.push(server.close(), server.close({ grace: 1_000 }))
      return exchange.respond(200, {}, 'last')
    })
    const { address } = server
    if (address.kind !== 'ip') throw new Error('not on a port')
    expect(await (await fetch(`http://127.0.0.1:${address.port}/`)).text()).toBe('last')
    await Promise.all(closings)
    expect(server.state).toBe('closed')

    const other = await listen({ port: 0, host: '127.0.0.1' }, (exchange) => {
      other.destroy(new Error('enough'))
      other.destroy()
      return exchange.respond(200, {}, 'never seen')
    })
    if (other.address.kind !== 'ip') throw new Error('not on a port')
    await expect(fetch(`http://127.0.0.1:${other.address.port}/`)).rejects.toThrow('fetch failed')
    expect(await other.closed).toMatchObject({
      kind: 'error',
      error: { message: expect.stringContaining('enough') },
    })
    await other.close()
  })

  test('a thousand times leaves no handle, no descriptor and no memory behind', async () => {
    const { before, after, grown } = await outcome<{ before: object; after: object; grown: number }>(
      new URL('../programs/cycles.mjs', import.meta.url),
      [],
      { env: { NODE_OPTIONS: '--expose-gc' } },
    )
    expect(after).toEqual(before)
    // What stays of a server, or a connection, is more.
    expect(grown).toBeLessThan(1024 * 1024)
  })
})
