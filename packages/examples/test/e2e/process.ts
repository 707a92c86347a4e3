import { readdir, readFile, writeFile } from 'node:fs/promises'

import { requireThat } from '@fairlead/testkit'

import type { RunningHub } from './program.ts'

/** Whether the system tells about its processes as Linux does. */
export const hasProc = requireThat(process.platform === 'linux', 'only Linux tells of processes in /proc')

/** How many descriptors a hub has open. */
export async function descriptors({ program }: RunningHub): Promise<number> {
  return (await readdir(`/proc/${program.child.pid}/fd`)).length
}

/** The most memory, in bytes, that a hub has held at once since the last call. */
export async function peakMemory({ program }: RunningHub): Promise<number> {
  const folder = `/proc/${program.child.pid}`
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`${folder}/status`, 'utf8')) ?? []
  // From now on, the kernel counts anew.
  await writeFile(`${folder}/clear_refs`, '5')
  return Number(kibibytes) * 1024
}
