import { requireProgram } from '@fairlead/testkit'
import { afterEach, describe, expect, test } from 'vitest'

import { fairlead, Program } from './program.ts'

const script = requireProgram('script')

/** Below the ephemeral ports, and another in each process. */
const discoveryPort = 10_000 + (process.pid % 7_000)

afterEach(() => Program.killAll())

function flags(name: string, ...more: string[]): string[] {
  return ['peer', '--name', name, '--discovery-port', `${discoveryPort}`, ...more]
}

/** Starts a peer, and waits until it is open. */
async function start(name: string, ...more: string[]): Promise<Program & { type(line: string): void }> {
  const program = Program.fairlead(flags(name, ...more))
  await program.prints(/^\* you are |^\{"event":"opened"/m)
  return Object.assign(program, { type: (line: string) => void program.child.stdin?.write(`${line}\n`) })
}

test('two find each other and talk; one leaves by Ctrl-C, and comes back', async () => {
  const anna = await start('anna', '--json')
  const ben = await start('ben')
  await anna.prints(/^\{"event":"arrived","peer":"ben","address":"127\.0\.0\.1:\d+","back":false\}$/m)
  await ben.prints(/^\* anna is here \(127\.0\.0\.1:\d+\)$/m)
  anna.type('ahoy')
  await ben.prints(/^anna: ahoy$/m)
  await anna.prints(/^\{"event":"delivered","peer":"ben","text":"ahoy"\}$/m)

  // Without input a peer goes on listening.
  ben.child.stdin?.end()
  anna.type('@ben psst')
  await ben.prints(/^anna \(to you\): psst$/m)

  ben.signal('SIGINT')
  expect(await ben.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  await anna.prints(/^\{"event":"left","peer":"ben","lost":false\}$/m)
  await start('ben')
  await anna.prints(/^\{"event":"arrived","peer":"ben","address":"127\.0\.0\.1:\d+","back":true\}$/m)
})

test('one that was killed is noticed: by a message without an answer, and when its lifetime has passed', async () => {
  const anna = await start('anna')
  const ben = await start('ben', '--lifetime', '6')
  await anna.prints(/^\* ben is here /m)
  ben.signal('SIGKILL')
  await ben.ended
  anna.type('are you there?')
  await anna.prints(/^\* ben may not have got "are you there\?": no answer$/m)
  await anna.prints(/^\* ben is gone: not heard any more$/m)
  anna.type('/who')
  await anna.prints(/^\* nobody is here$/m)
})

test('a script says something and ends', async () => {
  const anna = await start('anna')
  const script = Program.fairlead(flags('script', '--json'))
  script.child.stdin?.end('ahoy\n@anna psst\n/quit\nnever said\n')
  const { code, stdout, stderr } = await script.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const events = stdout.trim().split('\n')
  expect(events.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ event: 'opened', name: 'script', lan: false }),
    expect.objectContaining({ event: 'arrived', peer: 'anna', back: false }),
    { event: 'delivered', peer: 'anna', text: 'ahoy' },
    { event: 'delivered', peer: 'anna', text: 'psst' },
  ])
  await anna.prints(/^script: ahoy\nscript \(to you\): psst\n\* script left$/m)
})

describe.skipIf(!script)('in a terminal', () => {
  /** What a person sees, who may type. */
  async function sit(name: string): Promise<Program & { type(keys: string): void }> {
    const command = [process.execPath, fairlead, ...flags(name)].join(' ')
    const program = Program.start('script', ['-qfec', command, '/dev/null'])
    await program.prints(/\* \/quit .*\r\n(.*> )/s)
    return Object.assign(program, { type: (keys: string) => void program.child.stdin?.write(keys) })
  }

  test('what is being typed stays below what comes', async () => {
    const anna = await sit('anna')
    const ben = await start('ben')
    await anna.prints(/\* ben is here /)
    await ben.prints(/\* anna is here /)
    anna.type('half a ')
    await anna.prints(/> .*half a /s)
    ben.type('whole')
    await anna.prints(/ben: whole\r\n.*> half a /s)
    anna.type('sentence\r')
    await ben.prints(/^anna: half a sentence$/m)
    anna.type('\u0003')
    expect(await anna.ended).toMatchObject({ code: 0 })
    await ben.prints(/^\* anna left$/m)
  })

  test.each([
    ['/quit', '/quit\r'],
    ['Ctrl-D', '\u0004'],
    ['Ctrl-C', '\u0003'],
  ])('%s leaves', async (_, keys) => {
    const anna = await sit('anna')
    anna.type(keys)
    expect(await anna.ended).toMatchObject({ code: 0, signal: null })
  })
})

test('--help explains', async () => {
  const { code, stdout, stderr } = await Program.fairlead(['peer', '--help']).ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: fairlead peer/)
})

test.each([
  [['peer'], /^fairlead peer: required option '--name <name>' not specified\n$/],
  [flags('anna', '--lam'), /^fairlead peer: unknown option '--lam'\n$/],
  [flags('an na'), /^fairlead peer: option '--name <name>' argument 'an na' is invalid\. .*\n$/],
  [
    flags('anna', '--lifetime', 'long'),
    /^fairlead peer: option '--lifetime <seconds>' argument 'long' .*\n$/,
  ],
  [
    flags('anna', '--lifetime', '0'),
    /^fairlead peer: option '--lifetime <seconds>' argument '0' is invalid\. It takes .* from 1 to 3600\.\n$/,
  ],
])('%j is refused in one line', async (args, line) => {
  const stderr = expect.stringMatching(line) as string
  expect(await Program.fairlead(args).ended).toMatchObject({ code: 1, stdout: '', stderr })
})
