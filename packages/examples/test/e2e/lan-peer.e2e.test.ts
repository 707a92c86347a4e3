import { spawnSync } from 'node:child_process'

import { requireProgram } from '@fairlead/testkit'
import { afterEach, expect, test } from 'vitest'

import { fairlead, Program } from './program.ts'

afterEach(() => Program.killAll())

/** Whether this machine lets us make networks of our own. That cannot be installed, so that nothing ever requires it. */
function canMakeNetworks(): boolean {
  const programs = ['ip', 'unshare', 'nsenter'].map((name) => requireProgram(name))
  if (process.platform !== 'linux' || programs.includes(undefined)) return false
  const command = ['-rn', 'ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far']
  const { status, stderr } = spawnSync('unshare', command, { encoding: 'utf8' })
  if (status !== 0) console.warn(`Skipped: network namespaces are not allowed here: ${stderr}`)
  return status === 0
}

/** Enters the namespaces of this process. */
const enter = (pid: number | undefined): string[] => ['-t', `${pid}`, '--preserve-credentials', '-U', '-n']

/** A machine of its own: a network namespace that is there as long as this program. */
async function machine(within?: Program): Promise<Program> {
  const command = ['sh', '-c', 'ip link set lo up; echo up; exec cat']
  const made = within
    ? Program.start('nsenter', [...enter(within.child.pid), 'unshare', '-n', ...command])
    : Program.start('unshare', ['-rn', ...command])
  await made.prints(/^up$/m)
  return made
}

function ip(on: Program, ...lines: string[]): void {
  const { status, stderr } = spawnSync('nsenter', [...enter(on.child.pid), 'ip', '-batch', '-'], {
    input: lines.join('\n'),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`Cannot make the network: ${stderr}`)
}

async function peerOn(on: Program, name: string): Promise<Program> {
  const flags = ['peer', '--name', name, '--lan', '--json']
  const peer = Program.start('nsenter', [...enter(on.child.pid), process.execPath, fairlead, ...flags])
  await peer.prints(/^\{"event":"opened".*"lan":true\}$/m)
  return peer
}

test.skipIf(!canMakeNetworks())('with --lan, two on two machines find each other and talk', async () => {
  const near = await machine()
  const far = await machine(near)
  ip(near, 'link add near type veth peer name far', `link set far netns ${far.child.pid}`)
  ip(near, 'addr add 10.9.1.1/24 broadcast + dev near', 'link set near up')
  ip(far, 'addr add 10.9.1.2/24 broadcast + dev far', 'link set far up')

  const anna = await peerOn(near, 'anna')
  const ben = await peerOn(far, 'ben')
  await anna.prints(/^\{"event":"arrived","peer":"ben","address":"10\.9\.1\.2:\d+","back":false\}$/m)
  await ben.prints(/^\{"event":"arrived","peer":"anna","address":"10\.9\.1\.1:\d+","back":false\}$/m)
  anna.child.stdin?.write('ahoy\n')
  await ben.prints(/^\{"event":"said","peer":"anna","text":"ahoy","toAll":true\}$/m)
  await anna.prints(/^\{"event":"delivered","peer":"ben","text":"ahoy"\}$/m)
  ben.child.stdin?.write('@anna ahoy yourself\n')
  await anna.prints(/^\{"event":"said","peer":"ben","text":"ahoy yourself","toAll":false\}$/m)
  ben.signal('SIGINT')
  expect(await ben.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  await anna.prints(/^\{"event":"left","peer":"ben","lost":false\}$/m)
})
