import { expect, test } from 'vitest'

import { InterfaceWatch, interfaceWatch } from '../../src/multicast/interface-watch.ts'
import { Table } from '../table.ts'

/** A watcher that notes what it is told: the names and hosts, with `!` when they changed. */
function notes(): { told: string[]; watcher: Parameters<InterfaceWatch['watch']>[0] } {
  const told: string[] = []
  return {
    told,
    watcher: (list, changed) =>
      told.push(list.map(({ name, host }) => `${name} ${host}`).join(', ') + (changed ? '!' : '')),
  }
}

test('tells when interfaces come, go and change their addresses, and at each look that they did not', () => {
  const table = new Table({ lo: ['127.0.0.1/8'] })
  const { told, watcher } = notes()
  const stop = table.watch.watch(watcher)
  table.tick()
  table.tick({ lo: ['127.0.0.1/8'], eth0: ['10.0.0.1/24'] })
  table.tick({ lo: ['127.0.0.1/8'], eth0: ['10.0.0.2/24'] })
  table.tick({ lo: ['127.0.0.1/8'], eth0: ['10.0.0.2/16'] })
  table.tick({ lo: ['127.0.0.1/8'] })
  stop()
  table.tick({})
  expect(told).toEqual([
    'lo 127.0.0.1',
    'lo 127.0.0.1, eth0 10.0.0.1!',
    'lo 127.0.0.1, eth0 10.0.0.2!',
    'lo 127.0.0.1, eth0 10.0.0.2!',
    'lo 127.0.0.1!',
  ])
})

test('has one timer for all who watch, and none when nobody does', () => {
  const table = new Table({})
  expect(table.ticking).toBe(false)
  const [first, second] = [notes(), notes()]
  const stops = [table.watch.watch(first.watcher), table.watch.watch(second.watcher)]
  const { reads } = table
  table.tick()
  expect(table.reads).toBe(reads + 1)
  stops[0]?.()
  stops[0]?.()
  expect(table.ticking).toBe(true)
  stops[1]?.()
  expect(table.ticking).toBe(false)
  expect([first.told, second.told]).toEqual([[''], ['']])
  table.watch.watch(first.watcher)
  expect(table.ticking).toBe(true)
})

test('keeps what it knew while the system does not answer', () => {
  const table = new Table(new Error('uv_interface_addresses returned Unknown system error 13'))
  const { told, watcher } = notes()
  table.watch.watch(watcher)
  expect(table.watch.look()).toEqual([])
  table.tick()
  table.tick({ eth0: ['10.0.0.1/24'] })
  table.tick(new Error('not now'))
  table.tick({ eth0: ['10.0.0.1/24'] })
  expect(told).toEqual(['', 'eth0 10.0.0.1!', 'eth0 10.0.0.1', 'eth0 10.0.0.1'])
})

test('looking tells the others what it found', () => {
  const table = new Table({})
  const { told, watcher } = notes()
  table.watch.watch(watcher)
  table.interfaces = { eth0: ['10.0.0.1/24'] }
  expect(table.watch.look()).toHaveLength(1)
  table.watch.look()
  expect(told).toEqual(['eth0 10.0.0.1!'])
})

test('what changed while nobody watched is no news', () => {
  const table = new Table({ eth0: ['10.0.0.1/24'] })
  table.watch.watch(() => {})()
  table.interfaces = {}
  const { told, watcher } = notes()
  table.watch.watch(watcher)
  table.tick()
  expect(told).toEqual([''])
})

test('a watcher may end itself and others while it is told', () => {
  const table = new Table({})
  const told: string[] = []
  const stops: (() => void)[] = []
  for (const name of ['first', 'second']) {
    stops.push(
      table.watch.watch(() => {
        told.push(name)
        for (const stop of stops) stop()
      }),
    )
  }
  table.tick()
  expect(told).toEqual(['first'])
  expect(table.ticking).toBe(false)
})

test('the shared one looks by itself, and keeps no process alive', async () => {
  const watch = new InterfaceWatch({ interval: 1 })
  await new Promise<void>((resolve) => {
    const stop = watch.watch(() => {
      stop()
      resolve()
    })
  })
  const before = process.getActiveResourcesInfo().filter((it) => it === 'Timeout').length
  const stop = interfaceWatch.watch(() => {})
  // Timers that are unref'ed are not listed.
  expect(process.getActiveResourcesInfo().filter((it) => it === 'Timeout')).toHaveLength(before)
  stop()
})
