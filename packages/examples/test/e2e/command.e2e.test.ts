import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import * as tcp from '@fairlead/tcp'
import { bind } from '@fairlead/udp'
import { expect, test } from 'vitest'

import { portOf } from '../hub/cast.ts'
import { fairlead, Program } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()

const free = ['--port', '0', '--chat-port', '0', '--beacon-port', '0']

function run(...args: string[]) {
  return Program.fairlead(args, { cwd: folder.path }).ended
}

/** One line on stderr, and nothing else. */
function complaint(text: string | RegExp) {
  return { code: 1, stdout: '', stderr: expect.stringMatching(text) as string }
}

test.each([['--help'], ['hub', '--help'], ['find', '--help'], ['send', '--help'], ['receive', '--help']])(
  '%s %s explains',
  async (...args) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: fairlead/)
  },
)

test.each([
  [['hub', '--prot', '1'], /^fairlead hub: unknown option '--prot'\n$/],
  [['find', '--jsn'], /^fairlead find: unknown option '--jsn'\n$/],
  [['hbu'], /^fairlead: unknown command 'hbu'\n$/],
  [['--version2'], /^fairlead: unknown option '--version2'\n$/],
  [['hub', '--port', '70000'], /^fairlead hub: option '--port <port>' argument '70000' is invalid\. .*\n$/],
  [
    ['hub', '--max-upload', 'much'],
    /^fairlead hub: option '--max-upload <size>' argument 'much' is invalid\. .*\n$/,
  ],
  [['send'], /^fairlead send: missing required argument 'file'\n$/],
  [['send', 'nothing'], /^fairlead send: Cannot read nothing: no such file or directory\n$/],
])('%j is refused in one line', async (args, line) => {
  expect(await run(...args)).toMatchObject(complaint(line))
})

test('a port in use is one line, for each of the three', async () => {
  await using listener = await tcp.listen({ port: 0 })
  await using socket = await bind({ port: 0 })
  const inUse = (port: number) =>
    new RegExp(`^fairlead hub: Cannot \\w+ (on )?127\\.0\\.0\\.1:${port}: address is in use\\n$`)
  for (const [flag, port] of [
    ['--port', portOf(listener)],
    ['--chat-port', portOf(listener)],
    ['--beacon-port', socket.address.port],
  ] as const) {
    expect(await run('hub', ...free, flag, `${port}`)).toMatchObject(complaint(inUse(port)))
  }
  expect(await run('receive', '--port', `${portOf(listener)}`)).toMatchObject(
    complaint(/^fairlead receive: Cannot listen on .*: address is in use\n$/),
  )
})

test('a folder that cannot be written is one line', async () => {
  await writeFile(join(folder.path, 'file'), 'precious')
  for (const path of ['file', '/proc/fairlead', '/proc/self/net', 'no/such/folder']) {
    const line = /^fairlead \w+: Cannot use folder \S+: [\w ]+\n$/
    expect(await run('hub', ...free, '--folder', path)).toMatchObject(complaint(line))
    expect(await run('receive', '--port', '0', '--folder', path)).toMatchObject(complaint(line))
  }
  expect(await readFile(join(folder.path, 'file'), 'utf8')).toBe('precious')
})

test('nobody there: find and send say so', async () => {
  const socket = await bind({ port: 0 })
  const port = `${socket.address.port}`
  await socket.close()
  expect(await run('find', '--port', port, '--timeout', '100')).toMatchObject(
    complaint(new RegExp(`^fairlead find: no hub answered on port ${port}\\n$`)),
  )
  expect(await run('send', fairlead, '--port', port, '--wait', '0')).toMatchObject(
    complaint(/^fairlead send: Cannot connect to 127\.0\.0\.1:\d+: connection refused\n$/),
  )
})
