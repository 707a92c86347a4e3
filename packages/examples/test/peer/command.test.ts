import { expect, test } from 'vitest'

import { peerCommand } from '../../src/peer/command.ts'

test.each([
  ['--lifetime', '0', 'It takes a whole number from 1 to 3600.'],
  ['--lifetime', '99999', 'It takes a whole number from 1 to 3600.'],
  ['--lifetime', '1.5', 'It takes a whole number from 1 to 3600.'],
  ['--discovery-port', '0', 'It takes a whole number from 1 to 65535.'],
  ['--discovery-port', '65536', 'It takes a whole number from 1 to 65535.'],
])('%s %s is refused in the words of the option', async (flag, value, why) => {
  const said: string[] = []
  const command = peerCommand()
    .exitOverride()
    .configureOutput({ writeErr: (text) => void said.push(text) })
  await expect(command.parseAsync(['--name', 'anna', flag, value], { from: 'user' })).rejects.toThrow(why)
  expect(said.join('')).toMatch(
    new RegExp(`^fairlead peer: option '${flag} <\\w+>' argument '${value}' is invalid. ${why}\n$`),
  )
})
