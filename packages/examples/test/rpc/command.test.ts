import { expect, test } from 'vitest'

import { rpcCommand } from '../../src/rpc/command.ts'

test.each([
  [
    ['serve', '--ws', 'x'],
    "option '--ws <port>' argument 'x' is invalid. It takes a whole number from 0 to 65535.",
  ],
  [['serve', '--http', '1'], "unknown option '--http'"],
  [['call', 'tcp://127.0.0.1:1'], "missing required argument 'method'"],
  [['call', 'tcp://127.0.0.1:1', 'get', '[]'], 'It takes an object of JSON, such as {"name":"build"}.'],
  [['call', 'tcp://127.0.0.1:1', 'get', '{'], 'It takes an object of JSON, such as {"name":"build"}.'],
  [['call', 'tcp://127.0.0.1:1', 'get', 'null'], 'It takes an object of JSON, such as {"name":"build"}.'],
  [['call', 'tcp://127.0.0.1:1', 'get', '--timeout', '-1'], 'It takes a whole number from 0 to 2147483647.'],
])('%j is refused in one line', async (args, why) => {
  const said: string[] = []
  const command = rpcCommand()
  for (const it of [command, ...command.commands]) {
    it.exitOverride().configureOutput({ ...it.configureOutput(), writeErr: (text) => void said.push(text) })
  }
  await expect(command.parseAsync(args, { from: 'user' })).rejects.toThrow(why)
  expect(said.join('')).toMatch(/^fairlead rpc: .*\n$/)
  expect(said.join('')).toContain(why)
})
