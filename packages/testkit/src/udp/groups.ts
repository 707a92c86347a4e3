import assert from 'node:assert/strict'

import { ListenError } from '@fairlead/core'
import type * as udp from '@fairlead/udp'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { until } from '../wait.ts'
import { listenIn, open } from './meeting.ts'

const loopback = ['127.0.0.1']

/** A group of which no other check is a member: RFC 2365 section 6.2, and RFC 4607 section 1 with a source. */
function groupOf(first: 239 | 232): string {
  const part = (): number => 1 + Math.floor(Math.random() * 254)
  return `${first}.${part()}.${part()}.${part()}`
}

/** A socket that hears everything sent to its port, and a sender of multicast, both on loopback. */
async function stage(broom: Broom) {
  const { socket, port, heard } = await listenIn(broom, { host: '0.0.0.0', reuseAddr: true })
  const sender = await open(broom, { multicastInterface: '127.0.0.1' })
  /** Sends to a group, and waits until something that was sent behind it has come. */
  const past = async (group: string): Promise<void> => {
    await sender.send('group', { host: group, port })
    const count = heard.texts.length + 1
    await sender.send('socket', { host: '127.0.0.1', port })
    await until(() => heard.texts.length >= count && heard.texts.includes('socket'), 'it has come')
    heard.texts.splice(heard.texts.indexOf('socket'), 1)
  }
  return { socket, port, heard, sender, past }
}

/** Multicast over IPv4, which loopback has everywhere. */
export const groupFeatures: readonly Feature[] = [
  feature('a group is heard from joining until leaving', async (broom) => {
    const group = groupOf(239)
    const { socket, port, heard, sender, past } = await stage(broom)
    await past(group)
    assert.deepEqual(heard.texts, [])
    const membership = socket.join(group, { interfaces: loopback })
    assert.deepEqual([membership.group, membership.interfaces.length], [group, 1])
    await sender.send('ahoy', { host: group, port })
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.deepEqual(heard.texts.splice(0), ['ahoy'])
    membership.leave()
    membership.leave()
    assert.deepEqual(membership.interfaces, [])
    await past(group)
    assert.deepEqual(heard.texts, [])
    socket.join(group, { interfaces: loopback })
    await sender.send('again', { host: group, port })
    await until(() => heard.texts.length === 1, 'it is heard again')
  }),

  feature('what became of joining is told', async (broom) => {
    const { socket, heard } = await stage(broom)
    const changes: udp.MembershipChange[] = []
    const onChange = (change: udp.MembershipChange): void => void changes.push(change)
    const { interfaces } = socket.join(groupOf(239), { interfaces: ['127.0.0.1', '203.0.113.1'], onChange })
    assert.equal(changes.length, 0)
    await until(() => changes.length === 1, 'it is told')
    const [{ joined, left, failed } = { joined: [], left: [], failed: [] }] = changes
    assert.deepEqual([joined, left], [interfaces, []])
    assert.deepEqual(
      failed.map((it) => it.interface),
      ['203.0.113.1'],
    )
    assert.match(failed[0]?.error.message ?? '', /: no such interface$/)
    assert.deepEqual(heard.told, [failed[0]?.error])
  }),

  feature('nothing but a group can be joined, and only once', async (broom) => {
    const { socket } = await stage(broom)
    const group = groupOf(239)
    assert.throws(() => socket.join('127.0.0.1'), TypeError)
    assert.throws(() => socket.join('ff02::1'), TypeError)
    assert.throws(() => socket.join(group, { interfaces: ['203.0.113.1'] }), ListenError)
    socket.join(group, { interfaces: loopback })
    assert.throws(() => socket.join(group, { interfaces: loopback }), /has joined it already/)
  }),

  feature('a source is heard, and others are not', async (broom) => {
    const group = groupOf(232)
    const { socket, port, heard, sender, past } = await stage(broom)
    const deaf = socket.join(group, { interfaces: loopback, source: '203.0.113.1' })
    await past(group)
    assert.deepEqual(heard.texts, [])
    const membership = socket.join(group, { interfaces: loopback, source: '127.0.0.1' })
    assert.equal(membership.source, '127.0.0.1')
    await sender.send('ahoy', { host: group, port })
    await until(() => heard.texts.length === 1, 'it is heard')
    assert.deepEqual(heard.texts.splice(0), ['ahoy'])
    membership.leave()
    deaf.leave()
    await past(group)
    assert.deepEqual(heard.texts, [])
  }),
]
