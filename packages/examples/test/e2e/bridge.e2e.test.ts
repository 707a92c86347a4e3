import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { requireProgram } from '@fairlead/testkit'
import { describe, expect, test } from 'vitest'

import { Client, startBridge, statusOf } from '../bridge/program.ts'
import { serveLines, serveRfb, serveTcp, useServices } from '../bridge/services.ts'
import { fairlead, Program, run } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const curl = requireProgram('curl')
const script = requireProgram('script')
useServices()

const inside = (name: string): string => join(folder.path, name)
const local = (port: number): string => `tcp://127.0.0.1:${port}`

describe('the command line', () => {
  const bridge = (...args: string[]) => Program.fairlead(['bridge', ...args], { cwd: folder.path }).ended

  test('--help explains, with examples', async () => {
    const { code, stdout, stderr } = await bridge('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: fairlead bridge \[options\] <from> \[to\]/)
    expect(stdout).toMatch(/Examples:\n {2}fairlead bridge :8080 tcp:\/\/localhost:5900 .*any/s)
  })

  const vnc = 'tcp://localhost:5900'
  const refused: [string[], string][] = [
    [[], "missing required argument 'from'"],
    [[':0', vnc, '--prot', '1'], "unknown option '--prot'"],
    [[':0'], 'Cannot bridge :0 to nothing: give a target, as tcp://localhost:5900, or --tokens'],
    [[':0', 'ftp://h:21'], 'Cannot bridge ftp://h:21: the scheme is none of ws, wss, tcp, tls, udp, unix'],
    [[':70000', vnc], 'Cannot bridge :70000: .*'],
    [[':0', 'ws://h'], 'Cannot bridge a WebSocket to a WebSocket: .*'],
    [['tcp://:0', vnc], 'Cannot bridge tcp to tcp: .*'],
    [[':0', vnc, '--tokens', 'x'], 'A target and --tokens say two things: give one of them'],
    [[':0', '--tokens', 'none'], 'Cannot read tokens.*: no such file.*'],
    [
      [':0', '--tokens', '.', '--token-in', 'air'],
      "option '--token-in <place>' argument 'air' is invalid\\. .*",
    ],
    [[':0', '--tokens', '.', '--allow', '10.0.0'], 'Invalid option .*allow.*10\\.0\\.0.*'],
    [[':0', vnc, '--web', 'none'], 'Cannot serve none: no such file or directory'],
    [[':0', vnc, '--origin', 'nothing at all'], 'Invalid option .*origins.*nothing at all.*'],
    [
      [':0', vnc, '--idle-timeout', 'soon'],
      "option '--idle-timeout <seconds>' argument 'soon' is invalid\\. .*",
    ],
    [[':0', vnc, '--cert', 'none', '--key', 'none'], 'Cannot read none: no such file or directory'],
    [[':0', vnc, '--cert', '/dev/null', '--key', '/dev/null'], 'Invalid option tls\\.cert: no PEM .*'],
    [[':0', vnc, '--idle-timeout', '0'], '.* It takes a whole number from 1 to 86400\\.'],
    [[':0', 'tls://h:1', '--ca', 'none'], 'Cannot read none: no such file or directory'],
    [[':0', 'tls://h:1', '--ca', '/dev/null'], 'Cannot read /dev/null: there is no certificate in it'],
    [['203.0.113.99:0', vnc], 'Cannot listen on 203\\.0\\.113\\.99:0: .*'],
    [['unix:/nowhere/x', 'ws://h'], 'Cannot listen on unix:/nowhere/x: .*'],
  ]

  test('what cannot be is refused in one line', async () => {
    const outcomes = await Promise.all(refused.map(([args]) => bridge(...args)))
    for (const [at, [args, line]] of refused.entries()) {
      const stderr = expect.stringMatching(new RegExp(`^fairlead bridge: ${line}\\n$`)) as string
      expect(outcomes[at], args.join(' ')).toMatchObject({ code: 1, stdout: '', stderr })
    }
  })

  test('a port in use is one line, of each scheme', async () => {
    const { port } = await serveLines()
    for (const [from, to] of [
      [`:${port}`, vnc],
      [`tcp://:${port}`, 'ws://127.0.0.1'],
    ] as const) {
      const line = new RegExp(
        `^fairlead bridge: Cannot listen on 127\\.0\\.0\\.1:${port}: address is in use\\n$`,
      )
      expect(await bridge(from, to)).toMatchObject({ code: 1, stderr: expect.stringMatching(line) as string })
    }
  })

  test('nothing is connected to before somebody comes', async () => {
    const { port, sockets } = await serveLines()
    const { url } = await startBridge(':0', local(port))
    expect(sockets).toHaveLength(0)
    const client = await Client.open(url)
    await client.hears('Welcome\n')
    expect(sockets).toHaveLength(1)
    await client.close()
  })
})

describe('a WebSocket', () => {
  test('that asks for binary, as noVNC does, speaks to a VNC server', async () => {
    const { port } = await serveRfb()
    const { url } = await startBridge(':0', local(port))
    const client = await Client.open(`${url}websockify`, ['binary'])
    expect(client.socket.protocol).toBe('binary')
    expect(String(await client.message())).toBe('RFB 003.008\n')
    client.socket.send(Buffer.from('RFB 003.008\n'))
    expect(await client.message()).toEqual(Buffer.from([1, 1]))
    await client.close()
  })

  test('is told of every end in a line', async () => {
    const { port } = await serveLines()
    const { program, url } = await startBridge(':0', local(port))
    const client = await Client.open(url)
    client.socket.send('bye\n')
    expect(await client.closed).toEqual({ code: 1000, text: '' })
    await program.prints(
      /^\d\d:\d\d:\d\d {2}127\.0\.0\.1:\d+ {2}4 B there, 17 B back {2}\d\.\d s {2}the target ended it$/m,
    )
    const other = await Client.open(url)
    await other.hears('Welcome')
    await other.close()
    await program.prints(/ {2}0 B there, 8 B back {2}\d\.\d s {2}the client ended it$/m)
  })

  test('is taken at the path that was named', async () => {
    const { port } = await serveLines()
    const { url } = await startBridge(':0', local(port), '--path', '/lines')
    const client = await Client.open(url)
    expect(new URL(url).pathname).toBe('/lines')
    await client.hears('Welcome')
    await client.close()
    expect(await statusOf(new URL('/other', url).href)).toBe(404)
  })

  test('of a page from elsewhere is refused, and so is another name of this machine', async () => {
    const { port, sockets } = await serveLines()
    const { program, url } = await startBridge(':0', local(port))
    expect(await statusOf(url, { origin: 'https://evil.example' })).toBe(403)
    expect(await statusOf(url, { headers: { Host: 'evil.example' } })).toBe(403)
    await program.prints(
      /^\d\d:\d\d:\d\d {2}127\.0\.0\.1:\d+ {2}refused: a page from elsewhere, or another name$/m,
    )
    expect(sockets).toHaveLength(0)
    const opened = await startBridge(':0', local(port), '--origin', 'any')
    await (await Client.open(opened.url, [], { origin: 'https://evil.example' })).close()
  })

  test('that is silent for too long is closed', async () => {
    const { port } = await serveLines()
    const { program, url } = await startBridge(':0', local(port), '--idle-timeout', '1')
    const client = await Client.open(url)
    expect((await client.closed).code).toBe(1008)
    await program.prints(/silent for too long/)
  })
})

describe('tokens', () => {
  test('lead to a target each, and a file that changes is read again', async () => {
    const [lines, rfb] = await Promise.all([serveLines(), serveRfb()])
    await writeFile(inside('targets'), `# mine\nlines: 127.0.0.1:${lines.port}\n`)
    const { url } = await startBridge(':0', '--tokens', inside('targets'), '--allow', 'loopback')
    const client = await Client.open(`${url}?token=lines`)
    await client.hears('Welcome')
    expect(await statusOf(`${url}?token=vnc`)).toBe(404)
    expect(await statusOf(url)).toBe(404)

    await writeFile(inside('targets'), `vnc: 127.0.0.1:${rfb.port}\n`)
    const other = await Client.open(`${url}?token=vnc`, ['binary'])
    await other.hears('RFB')
    expect(await statusOf(`${url}?token=lines`)).toBe(404)
    client.socket.send('still here\n')
    await client.hears('STILL HERE')
    await rm(inside('targets'))
    expect(await statusOf(`${url}?token=vnc`)).toBe(500)
  })

  test('stand in the path, if one likes, and come from a folder', async () => {
    const { port } = await serveLines()
    await mkdir(inside('targets'))
    const flags = ['--token-in', 'path', '--path', '/to', '--allow', '127.0.0.1']
    const { url } = await startBridge(':0', '--tokens', inside('targets'), ...flags)
    expect(await statusOf(`${url}/lines`)).toBe(404)
    await writeFile(inside('targets/a'), `lines: 127.0.0.1:${port}\n`)
    const client = await Client.open(`${url}/lines`)
    await client.hears('Welcome')
    await client.close()
  })

  test('lead to nobody here unless that is allowed', async () => {
    const { port, sockets } = await serveLines()
    await writeFile(
      inside('targets'),
      `here: 127.0.0.1:${port}\nmapped: ::ffff:127.0.0.1:${port}\nname: localhost:${port}`,
    )
    const { program, url } = await startBridge(':0', '--tokens', inside('targets'))
    for (const token of ['here', 'mapped', 'name']) expect(await statusOf(`${url}?token=${token}`)).toBe(403)
    expect(sockets).toHaveLength(0)
    await program.prints(/not allowed/)
  })
})

describe.skipIf(!curl)('--web', () => {
  test('serves files beside the WebSocket, and only to those who mean this machine', async () => {
    const { port } = await serveLines()
    await mkdir(inside('web'))
    await writeFile(inside('web/index.html'), 'ahoy')
    const { program, url } = await startBridge(':0', local(port), '--web', inside('web'))
    const page = url.replace('ws', 'http')
    expect(program.stdout).toContain(page)
    expect((await run('curl', ['-sS', page])).stdout).toBe('ahoy')
    expect((await run('curl', ['-sS', `${page}../secret`, '--path-as-is'])).stdout).not.toContain('ahoy')
    expect((await run('curl', ['-sS', '-H', 'Host: evil.example', page])).stdout).not.toContain('ahoy')
    await (await Client.open(url)).close()
  })

  test('without it, who asks for a page is told what this is', async () => {
    const { port } = await serveLines()
    const { url } = await startBridge(':0', local(port))
    const { stdout } = await run('curl', ['-sS', '-w', '%{http_code}', url.replace('ws', 'http')])
    expect(stdout).toMatch(/426$/)
  })
})

test('everything is told in JSON, if one likes', async () => {
  const { port } = await serveLines()
  const { program, url } = await startBridge(':0', local(port), '--json')
  const client = await Client.open(url)
  await client.hears('Welcome')
  await client.close()
  await program.prints(/"event":"end"/)
  await statusOf(url, { origin: 'https://evil.example' })
  await program.prints(/"event":"refuse"/)
  program.signal('SIGINT')
  const lines = (await program.ended).stdout.trim().split('\n')
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string
  const duration = expect.any(Number) as number
  expect(events).toMatchObject([
    { event: 'listen', urls: [url], target: local(port) },
    { event: 'open', client: address, target: `127.0.0.1:${port}` },
    {
      event: 'end',
      client: address,
      target: `127.0.0.1:${port}`,
      there: 0,
      back: 8,
      duration,
      cause: 'from',
    },
    { event: 'refuse', client: address, cause: 'origin' },
    { event: 'stop' },
    { event: 'total', open: 0, opened: 1, refused: 1, there: 0, back: 8 },
  ])
  for (const { time } of events) expect(Date.parse(String(time))).not.toBeNaN()
})

describe('Ctrl-C', () => {
  test('says 1001 to WebSockets, and the end to targets', async () => {
    const { port, sockets } = await serveLines()
    const { program, url, port: own } = await startBridge(':0', local(port))
    const client = await Client.open(url)
    await client.hears('Welcome')
    const ended = once(sockets[0]!, 'end')
    program.signal('SIGINT')
    expect((await client.closed).code).toBe(1001)
    await ended
    expect(await program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
    const server = createServer().listen(own, '127.0.0.1')
    await once(server, 'listening')
    server.close()
  })

  /** A client that does not hear any more. */
  async function withDeafClient() {
    const { port } = await serveLines()
    const bridge = await startBridge(':0', local(port))
    const client = await Client.open(bridge.url)
    await client.hears('Welcome')
    client.socket.pause()
    return bridge
  }

  test('waits two seconds for whoever does not answer', async () => {
    const { program } = await withDeafClient()
    const asked = performance.now()
    program.signal('SIGINT')
    expect(await program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
    expect(performance.now() - asked).toBeGreaterThan(1_500)
    expect(performance.now() - asked).toBeLessThan(4_500)
  })

  test('a second one ends it at once', async () => {
    const { program } = await withDeafClient()
    const asked = performance.now()
    const again = setInterval(() => program.signal('SIGINT'), 100)
    expect(await program.ended).toMatchObject({ code: 130 })
    clearInterval(again)
    expect(performance.now() - asked).toBeLessThan(1_900)
  })
})

test.skipIf(!script)('on a terminal, counters are drawn in place', async () => {
  const { port } = await serveTcp((socket) => socket.end('x'.repeat(2_345)))
  const command = `stty cols 100 rows 30; exec ${process.execPath} ${fairlead} bridge :0 ${local(port)}`
  const program = Program.start('script', ['-qec', command, '/dev/null'])
  const [, url = ''] = await program.prints(/Here +(\S+)[^]* 0 open, 0 so far/)
  const client = await Client.open(url)
  await client.closed
  await program.prints(
    /\u001b\[3F\u001b\[J {2}Clients {3}0 open, 1 so far\r\n {2}There +0 B +0 B\/s\r\n {2}Back +2\.3 kB .*\/s\r\n/,
  )
  expect(program.stdout).toMatch(/\r\n\r\n {2}\d\d:\d\d:\d\d {2}127\.0\.0\.1:\d+ .* the target ended it\r\n/)
  program.child.stdin?.write('\u0003')
  expect((await program.ended).code).toBe(0)
  expect(program.stdout).toMatch(/Stopping \.\.\./)
})
