import { lines } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { expect, test } from 'vitest'

import { openChat } from '../../src/hub/chat.ts'
import { Room } from '../../src/hub/room.ts'
import { Secret } from '../../src/hub/secret.ts'
import { Actor, portOf } from './cast.ts'

async function stage(patience?: number) {
  const secret = new Secret()
  const listener = await openChat({
    host: '127.0.0.1',
    port: 0,
    room: new Room(),
    secret,
    ...(patience !== undefined && { patience }),
  })
  const arrive = async () => new Actor(lines(await tcp.connect({ port: portOf(listener) })))
  return { arrive, secret, [Symbol.asyncDispose]: () => listener.close({ grace: 0 }) }
}

test('the token opens the room, and what comes behind it is not lost', async () => {
  await using hub = await stage()
  const ann = await hub.arrive()
  await ann.say(hub.secret.token, '/nick ann', 'ahoy')
  await ann.hears('* token?')
  await ann.hears('* you are guest-1')
  await ann.hears('ann: ahoy')
})

test('without it nobody hears a word', async () => {
  await using hub = await stage()
  const ann = await hub.arrive()
  await ann.say(hub.secret.token, 'between us')
  await ann.hears(/between us/)
  const eve = await hub.arrive()
  await eve.say('guess', hub.secret.token)
  await eve.ended
  expect(eve.heard).toEqual(['* token?', '* wrong token'])
})

test('who says nothing is not waited for', async () => {
  await using hub = await stage(50)
  const eve = await hub.arrive()
  await eve.ended
  expect(eve.heard).toEqual(['* token?'])
})

test('a secret matches itself only', () => {
  const secret = new Secret()
  expect(secret.token).toMatch(/^[0-9a-f]{32}$/)
  expect(secret.matches(secret.token)).toBe(true)
  for (const guess of ['', undefined, `${secret.token} `, secret.token.toUpperCase() + 'x']) {
    expect(secret.matches(guess)).toBe(false)
  }
})
