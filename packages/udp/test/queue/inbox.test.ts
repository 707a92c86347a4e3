import { expect, test } from 'vitest'

import { Inbox } from '../../src/queue/inbox.ts'
import { Quota } from '../../src/queue/quota.ts'

function box(quota: Quota) {
  const owner = {
    flowing: false,
    heard: [] as string[],
    drops: [] as boolean[],
    deliver: (item: string) => void owner.heard.push(item),
    sizeOf: (item: string) => item.length,
    kept: (item: string) => item,
    dropped: (first: boolean) => void owner.drops.push(first),
  }
  return { owner, inbox: new Inbox<string>(owner, quota) }
}

const turn = (): Promise<void> => Promise.resolve()

test('passes on what is wanted, keeps what is not, and delivers it in order and later', async () => {
  const { owner, inbox } = box(new Quota({ datagrams: 5_000, bytes: 1e6 }))
  owner.flowing = true
  inbox.push('first')
  owner.flowing = false
  for (let i = 0; i < 5_000; i++) inbox.push(String(i))
  owner.flowing = true
  inbox.flow(true)
  inbox.flow(true)
  expect(owner.heard).toEqual(['first'])
  await turn()
  expect(owner.heard).toEqual(['first', ...Array.from({ length: 5_000 }, (_, i) => String(i))])
  expect(inbox.length).toBe(0)
})

test('nothing overtakes what waits', async () => {
  const { owner, inbox } = box(new Quota({ datagrams: 9, bytes: 99 }))
  inbox.push('1')
  owner.flowing = true
  inbox.push('2')
  inbox.flow(true)
  inbox.push('3')
  await turn()
  expect(owner.heard).toEqual(['1', '2', '3'])
})

test('each episode of dropping is marked once, and begins anew when all was read', async () => {
  const { owner, inbox } = box(new Quota({ datagrams: 2, bytes: 99 }))
  for (const item of '12345') inbox.push(item)
  expect(owner.drops).toEqual([true, false, false])
  owner.flowing = true
  inbox.flow(true)
  await turn()
  owner.flowing = false
  for (const item of '6789') inbox.push(item)
  expect(owner.drops).toEqual([true, false, false, true, false])
})

test('a closed inbox gives its room back and takes nothing', () => {
  const whole = new Quota({ datagrams: 3, bytes: 10 })
  const one = box(new Quota({ datagrams: 2, bytes: 10 }, whole))
  const two = box(new Quota({ datagrams: 2, bytes: 10 }, whole))
  for (const item of '123') one.inbox.push(item)
  for (const item of '45') two.inbox.push(item)
  expect([one.inbox.length, two.inbox.length]).toEqual([2, 1])
  one.inbox.close()
  one.inbox.push('6')
  two.inbox.push('78')
  expect([one.inbox.length, two.inbox.length]).toEqual([0, 2])
  // What was too much, what waited, and what came too late.
  expect([one.owner.drops, two.owner.drops]).toEqual([[true, false, false, false], [true]])
})
