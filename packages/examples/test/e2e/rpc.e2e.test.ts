import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

import { requireProgram } from '@fairlead/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { fairlead, type Outcome, Program, run } from './program.ts'

const script = requireProgram('script')

/** A board, and its places by the name of their transport. */
let board: { program: Program; at: Record<string, string> }

async function serve(...flags: string[]): Promise<typeof board> {
  const program = Program.fairlead(['rpc', 'serve', ...flags])
  await program.prints(/^Press Ctrl-C to stop\.$/m)
  const places = Array.from(program.stdout.matchAll(/^A board at ((\w+):\/\/127\.0\.0\.1:\d+)$/gm))
  return { program, at: Object.fromEntries(places.map(([, url = '', name = '']) => [name, url])) }
}

function call(...args: string[]): Promise<Outcome> {
  return Program.fairlead(['rpc', 'call', ...args]).ended
}

const every = ['--ws', '0', '--tcp', '0', '--udp', '0', '--lsp', '0']

beforeAll(async () => {
  board = await serve(...every)
})

afterAll(() => Program.killAll())

test.each(['ws', 'tcp', 'udp'])('over %s, what is set is there for all', async (way) => {
  const url = board.at[way] ?? ''
  expect(await call(url, 'set', '{"name":"build","value":{"green":true}}')).toMatchObject({
    code: 0,
    stdout: 'null\n',
    stderr: '',
  })
  const { ws = '', tcp = '', udp = '' } = board.at
  const read = await Promise.all([ws, tcp, udp].map((other) => call(other, 'get', '{"name":"build"}')))
  expect(read.map(({ stdout }) => stdout)).toEqual(Array(3).fill('{"green":true}\n'))
})

test.each(['ws', 'tcp', 'udp'])('over %s, watch prints what changes until Ctrl-C', async (way) => {
  const { tcp = '', [way]: url = '' } = board.at
  await call(tcp, 'set', '{"name":"watched","value":1}')
  const watch = Program.fairlead(['rpc', 'call', url, 'watch', '--timeout', '0'])
  await watch.prints(/^\{"name":"watched","value":1\}$/m)
  await call(tcp, 'set', '{"name":"watched","value":null}')
  await watch.prints(/^\{"name":"watched","value":null\}$/m)
  watch.signal('SIGINT')
  expect(await watch.ended).toMatchObject({ code: 130, signal: null, stderr: 'fairlead rpc: cancelled\n' })
})

test('watch ends when nobody reads it any more', async () => {
  const { tcp = '' } = board.at
  await call(tcp, 'set', '{"name":"a","value":1}')
  const command = `"$0" "$@" | head -n 1`
  const args = ['-c', command, process.execPath, fairlead, 'rpc', 'call', tcp, 'watch', '--timeout', '0']
  const watch = Program.start('sh', args)
  await watch.prints(/^\{.*\}$/m)
  await call(tcp, 'set', '{"name":"a","value":2}')
  expect(await watch.ended).toMatchObject({ code: 0, stderr: 'fairlead rpc: cancelled\n' })
})

test('a client of another maker works with it, framed by Content-Length', async () => {
  const client = fileURLToPath(new URL('../rpc/foreign-client.mjs', import.meta.url))
  const { code, stdout, stderr } = await run(process.execPath, [client, board.at['lsp']?.split(':')[2] ?? ''])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toEqual({
    none: null,
    watch: { code: -32_800, message: 'Cancelled' },
    same: true,
    unknown: { code: -32_601, message: 'No such method' },
    invalid: { code: -32_602, message: 'Invalid params: name is not a text' },
    positional: { code: -32_602, message: 'Invalid params: they go by name here' },
    cleared: 2,
    changed: ['build', 'other'],
  })
})

test('a client by hand works with it over WebSocket', async () => {
  const socket = new WebSocket(board.at['ws'] ?? '')
  await once(socket, 'open')
  const answers = async (...texts: string[]): Promise<unknown[]> => {
    const said: unknown[] = []
    for (const text of texts) socket.send(text)
    while (said.length < texts.length) {
      const [data] = (await once(socket, 'message')) as [Buffer]
      said.push(JSON.parse(data.toString()))
    }
    return said
  }
  expect(await answers('{"jsonrpc":"2.0","id":1,"method":"set","params":{"name":"a","value":7}}')).toEqual([
    { jsonrpc: '2.0', id: 1, result: null },
  ])
  expect(await answers('ahoy')).toMatchObject([{ id: null, error: { code: -32_700 } }])
  expect(await answers('[]')).toMatchObject([{ id: null, error: { code: -32_600 } }])
  expect(await answers('{"jsonrpc":"2.0","id":"b","method":"get","params":{"name":"a"}}')).toEqual([
    { jsonrpc: '2.0', id: 'b', result: 7 },
  ])
  socket.send(Buffer.from('{}'))
  const [code] = (await once(socket, 'close')) as [number]
  expect(code).toBe(1003)
})

describe('a server of another kind', () => {
  let heard = ''
  let accepted: Socket | undefined
  const wake: (() => void)[] = []
  // It never ends its side.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted = socket
    socket.on('error', () => {})
    socket.on('data', (data) => {
      heard += data.toString()
      for (const it of wake.splice(0)) it()
    })
  })
  const hears = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(heard)) await new Promise<void>((resolve) => wake.push(resolve))
  }
  const url = (): string => `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`

  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(() => {
    accepted?.destroy()
    heard = ''
  })

  afterAll(() => server.close())

  test('hears that a call is given up by Ctrl-C, and is not waited for', async () => {
    const calling = Program.fairlead(['rpc', 'call', url(), 'sleep', '{"hours":8}'])
    await hears(/"method":"sleep","params":\{"hours":8\}/)
    calling.signal('SIGINT')
    await hears(/"method":"\$\/cancelRequest","params":\{"id":0\}/)
    expect(await calling.ended).toMatchObject({ code: 130, stdout: '', stderr: 'fairlead rpc: cancelled\n' })
  })

  test('hears of a deadline', async () => {
    const calling = Program.fairlead(['rpc', 'call', url(), 'sleep', '--timeout', '200'])
    await hears(/cancelRequest/)
    expect(await calling.ended).toMatchObject({
      code: 1,
      stderr: 'fairlead rpc: No answer in 200 ms (-32001)\n',
    })
  })

  test('ends a call by leaving', async () => {
    const calling = Program.fairlead(['rpc', 'call', url(), 'sleep'])
    await hears(/sleep/)
    accepted?.destroy()
    expect(await calling.ended).toMatchObject({
      code: 1,
      stderr: 'fairlead rpc: The connection has ended (-32000)\n',
    })
  })

  test('moves no cursor', async () => {
    const calling = Program.fairlead(['rpc', 'call', url(), 'sleep'])
    await hears(/sleep/)
    const answer = Buffer.from(
      JSON.stringify({ jsonrpc: '2.0', id: 0, error: { code: 1, message: 'a\u001B[2Jb\n\u009Bc' } }),
    )
    const length = Buffer.alloc(4)
    length.writeUInt32BE(answer.length)
    accepted?.end(Buffer.concat([length, answer]))
    expect(await calling.ended).toMatchObject({ code: 1, stderr: 'fairlead rpc: a [2Jb  c (1)\n' })
  })
})

test('when the board stops, so do the calls of it', async () => {
  const { program, at } = await serve('--tcp', '0', '--ws', '0')
  expect(Object.keys(at)).toEqual(['tcp', 'ws'])
  await call(at['ws'] ?? '', 'set', '{"name":"a","value":1}')
  const watches = Object.values(at).map((url) => Program.fairlead(['rpc', 'call', url, 'watch']))
  await Promise.all(watches.map((watch) => watch.prints(/"a"/)))
  program.signal('SIGINT')
  expect(await program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  for (const watch of watches) {
    expect(await watch.ended).toMatchObject({
      code: 1,
      stderr: 'fairlead rpc: The connection has ended (-32000)\n',
    })
  }
})

describe.skipIf(!script)('in a terminal', () => {
  test.each([
    ['y', 0, /^\d\r$/m],
    ['n', 1, /^fairlead rpc: Not confirmed \(2\)\r$/m],
    ['\u0003', 130, /^fairlead rpc: cancelled\r$/m],
  ])('clear asks, and %j is an answer', async (keys, code, says) => {
    const { tcp = '' } = board.at
    await call(tcp, 'set', '{"name":"a","value":1}')
    const command = [process.execPath, fairlead, 'rpc', 'call', tcp, 'clear'].join(' ')
    const clear = Program.start('script', ['-qfec', command, '/dev/null'])
    await clear.prints(/Take down everything, \d in all\? \[y\/N\] /)
    clear.child.stdin?.write(keys === '\u0003' ? keys : `${keys}\r`)
    expect(await clear.ended).toMatchObject({ code })
    expect(clear.stdout).toMatch(says)
  })
})

test.each([
  [['rpc'], /^Usage: fairlead rpc/],
  [
    ['rpc', 'call', 'tcp://127.0.0.1:1', 'get'],
    /^fairlead rpc: Cannot connect to 127\.0\.0\.1:1: connection refused\n$/,
  ],
])('%j is refused', async (args, line) => {
  const stderr = expect.stringMatching(line) as string
  expect(await Program.fairlead(args).ended).toMatchObject({ code: 1, stdout: '', stderr })
})

test('--help explains', async () => {
  const { code, stdout, stderr } = await Program.fairlead(['rpc', '--help']).ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: fairlead rpc /)
})
