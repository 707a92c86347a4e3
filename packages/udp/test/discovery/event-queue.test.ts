import { expect, test } from 'vitest'

import { EventQueue } from '../../src/discovery/event-queue.ts'
import type { DiscoveryEvent } from '../../src/discovery/peer.ts'
import { addressOf } from './tools.ts'

type Kind = DiscoveryEvent['kind']

function eventOf(kind: Kind, name: string, id = 'id'): DiscoveryEvent {
  const address = addressOf()
  const peer = { id, type: 'chat', name, address, addresses: [address], data: {}, expires: 0 }
  return { kind, peer }
}

/** What a reader gets who comes when all is told; each as `kind name`. */
async function read(queue: EventQueue): Promise<string[]> {
  const events: string[] = []
  queue.push(eventOf('found', 'last', 'last'))
  const reader = queue.iterate()
  for (;;) {
    const { kind, peer } = (await reader.next()).value as DiscoveryEvent
    if (peer.id === 'last') break
    events.push(`${kind} ${peer.name}`)
  }
  await reader.return?.()
  return events
}

test.each<[Kind[], string[]]>([
  [['found'], ['found 0']],
  [['found', 'changed'], ['found 1']],
  [['found', 'lost'], []],
  [['found', 'lost', 'found'], ['found 2']],
  [['changed', 'changed'], ['changed 1']],
  [['changed', 'lost'], ['lost 1']],
  [['lost', 'found'], ['changed 1']],
  [['lost', 'found', 'lost'], ['lost 2']],
])('%j waits as one event at most', async (kinds, expected) => {
  const queue = new EventQueue()
  kinds.forEach((kind, index) => queue.push(eventOf(kind, String(index))))
  expect(await read(queue)).toEqual(expected)
})

test('a peer keeps its place in the order', async () => {
  const queue = new EventQueue()
  queue.push(eventOf('lost', 'a', 'a'))
  queue.push(eventOf('found', 'b', 'b'))
  queue.push(eventOf('found', 'a', 'a'))
  expect(await read(queue)).toEqual(['changed a', 'found b'])
})

test('who reads gets each event as it comes; what is told after the end is dropped', async () => {
  const queue = new EventQueue()
  const reader = queue.iterate()
  for (const kind of ['found', 'changed', 'lost'] as const) {
    const next = reader.next()
    queue.push(eventOf(kind, 'a'))
    expect((await next).value).toMatchObject({ kind })
  }
  queue.end()
  queue.push(eventOf('found', 'b'))
  expect(await reader.next()).toEqual({ done: true, value: undefined })
})
