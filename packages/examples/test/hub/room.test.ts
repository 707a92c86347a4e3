import { lines, type MessageConnection } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'
import { afterEach, describe, expect, test } from 'vitest'

import { openChat } from '../../src/hub/chat.ts'
import { Room } from '../../src/hub/room.ts'
import { Actor, portOf } from './cast.ts'

interface Stage {
  room: Room
  connect(): Promise<MessageConnection<string>>
  close(): Promise<void>
}

const stages: [string, () => Promise<Stage>][] = [
  [
    'memory',
    async () => {
      const room = new Room()
      const listener = await memory.listen('room', (connection) => room.join(connection))
      return {
        room,
        connect: () => memory.connect('room'),
        close: () => listener.close({ grace: 0 }),
      }
    },
  ],
  [
    'framed TCP',
    async () => {
      const room = new Room()
      const listener = await openChat({ host: '127.0.0.1', port: 0, room })
      const connect = async () => lines(await tcp.connect({ port: portOf(listener) }))
      return { room, connect, close: () => listener.close({ grace: 0 }) }
    },
  ],
]

describe.each(stages)('the room on %s', (_name, open) => {
  let stage: Stage
  afterEach(() => stage.close())

  async function arrive(nick?: string): Promise<Actor> {
    const actor = new Actor(await stage.connect())
    await actor.hears(/^\* here: /)
    if (nick === undefined) return actor
    await actor.say(`/nick ${nick}`)
    await actor.hears(`* you are ${nick}`)
    return actor
  }

  test('carries lines to everybody, the speaker included', async () => {
    stage = await open()
    const ann = await arrive('ann')
    const bob = await arrive('bob')
    await ann.hears('* guest-2 is now bob')
    await bob.say('ahoy')
    expect(await ann.hears(/ahoy/)).toBe('bob: ahoy')
    expect(await bob.hears(/ahoy/)).toBe('bob: ahoy')
  })

  test('a newcomer hears what was said, who he is and who is here, in this order', async () => {
    stage = await open()
    const ann = await arrive('ann')
    for (let number = 1; number <= 60; number++) stage.room.announce(`file ${number}`)
    await ann.say('ahoy')
    await ann.hears('ann: ahoy')
    const bob = await arrive()
    expect(bob.heard).toEqual([
      ...Array.from({ length: 49 }, (_, index) => `* file ${index + 12}`),
      'ann: ahoy',
      '* you are guest-2',
      '* here: ann, guest-2',
    ])
    await ann.hears('* guest-2 joined')
  })

  test('tells of those who leave, however they do', async () => {
    stage = await open()
    const ann = await arrive('ann')
    const [bob, cai, dan] = [await arrive('bob'), await arrive('cai'), await arrive('dan')]
    await bob.say('/quit')
    await bob.hears('* bye')
    await bob.ended
    await ann.hears('* bob left')
    cai.connection.destroy()
    await ann.hears('* cai left')
    await dan.connection.close()
    await ann.hears('* dan left')
    await ann.say('/who')
    await ann.hears('* here: ann')
  })

  test('names are unique, whatever their case, and safe', async () => {
    stage = await open()
    const ann = await arrive('Ann')
    const bob = await arrive('__proto__')
    const refused = '* a name is 1 to 20 letters, digits, _ - or .'
    for (const [wanted, answer] of [
      ['ann', '* that name is taken'],
      ['ＡＮＮ', '* that name is taken'],
      ['', refused],
      ['two words', refused],
      ['x:', refused],
      ['*', refused],
      ['a'.repeat(21), refused],
      ['guest-1', '* you are guest-1'],
      ['Éléonore', '* you are Éléonore'],
      ['constructor', '* you are constructor'],
    ] as const) {
      await bob.say(`/nick ${wanted}`)
      await bob.hears(answer)
    }
    await ann.say('/nick ANN')
    await bob.hears('* Ann is now ANN')
    const guest = await arrive('guest-4')
    const next = await arrive()
    expect(next.heard).toContain('* you are guest-5')
    await guest.say('/nick __PROTO__')
    await guest.hears('* you are __PROTO__')
  })

  test('passes on nothing that a terminal would obey', async () => {
    stage = await open()
    const ann = await arrive('ann')
    await ann.say('\x1b[2J\x1b]0;title\x07red\x1b[31m \u202eevil\u202c\ta\0b\x7f \x9b5n')
    const line = await ann.hears(/^ann: /)
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(line).toMatch(/red {1,2}evil ab/)
    await ann.say('', '   ', '\x07', 'end')
    await ann.hears('ann: end')
    expect(ann.heard.filter((heard) => heard.startsWith('ann:'))).toHaveLength(2)
  })

  test('refuses what is too long and what it does not know, and helps', async () => {
    stage = await open()
    const ann = await arrive('ann')
    await ann.say('x'.repeat(4_096), 'y'.repeat(4_097), 'ä'.repeat(2_049), '/dance', '/help')
    await ann.hears(`ann: ${'x'.repeat(4_096)}`)
    await ann.hears('* that line is too long')
    await ann.hears('* that line is too long')
    await ann.hears('* there is no /dance; try /help')
    await ann.hears(/\/nick NAME/)
  })

  test('a flood is slowed, and nobody else is', async () => {
    stage = await open()
    const flooder = await arrive('flooder')
    const bob = await arrive('bob')
    const started = performance.now()
    void flooder.say(...Array.from({ length: 500 }, (_, index) => `flood ${index}`))
    await bob.hears('flooder: flood 25')
    expect(performance.now() - started).toBeGreaterThan(700)
    await bob.say('still here')
    await bob.hears('bob: still here')
    const said = flooder.heard.filter((line) => line.includes('flood ')).length
    expect(said).toBeLessThan(40)
  })

  test('who does not read is dropped, and holds up nobody', async () => {
    stage = await open()
    const ann = await arrive('ann')
    const deaf = await stage.connect()
    await ann.hears('* guest-2 joined')
    const noise = 'z'.repeat(60_000)
    for (let sent = 0; !ann.heard.includes('* guest-2 left'); sent++) {
      expect(sent, 'as much as systems buffer').toBeLessThan(1_000)
      stage.room.announce(noise)
      await ann.hears(`* ${noise}`)
    }
    await ann.say('and on')
    await ann.hears('ann: and on')
    deaf.destroy()
  })
})
