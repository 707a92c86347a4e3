import { ListenError } from '@fairlead/core'
import { requireThat } from '@fairlead/testkit'
import { bind } from '@fairlead/udp'
import { announce, discover } from '@fairlead/udp/discovery'
import { requests } from '@fairlead/udp/request'
import { expect, test } from 'vitest'

import { hostFor } from '../../src/hub/host.ts'
import { startPeer } from '../../src/peer/peer.ts'
import { Actor, discoveryPort } from './cast.ts'

/** Whether this machine is in a network. */
const hasNetwork = requireThat(hostFor() !== '127.0.0.1', 'this machine is in no network')

/** Two who have found each other. */
async function enter(one: string, other: string): Promise<[Actor, Actor]> {
  const actors: [Actor, Actor] = [await Actor.enter(one), await Actor.enter(other)]
  const [first, second] = actors
  await expect
    .poll(() => [first.peer.roster.neighbours.length, second.peer.roster.neighbours.length])
    .toEqual([1, 1])
  return actors
}

/** A program of another maker, announced under this name, and how it writes to a peer. */
async function stranger(name: string, { announced = true, answers = ['whatever'] } = {}) {
  const heard: string[] = []
  const answer = (data: string): string => answers[heard.push(data) - 1] ?? 'heard'
  const socket = requests(await bind(), { messages: 'text', answer })
  const place = { port: discoveryPort, family: 4, interfaces: ['127.0.0.1'] } as const
  const service = { type: 'fairlead-peer', name, port: socket.address.port }
  const announcement = announced ? await announce(service, place) : undefined
  return {
    heard,
    at: `127.0.0.1:${socket.address.port}`,
    write: (data: string, { address }: Actor) =>
      socket.request(data, { to: { host: '127.0.0.1', port: Number(address.split(':')[1]) } }),
    async [Symbol.asyncDispose]() {
      await announcement?.close()
      await socket.close()
    },
  }
}

test('two find each other, talk, part, and meet again at another port', async () => {
  const [anna, ben] = await enter('anna', 'ben')
  await anna.reads(`* ben is here (${ben.address})`)
  await ben.reads(`* anna is here (${anna.address})`)

  await anna.types('ahoy', '@ben psst', '/to BEN here, too')
  expect(ben.lines.slice(2)).toEqual(['anna: ahoy', 'anna (to you): psst', 'anna (to you): here, too'])
  expect(anna.events.filter(({ event }) => event === 'delivered')).toHaveLength(3)

  await ben.leave()
  await anna.reads('* ben left')
  await anna.types('@ben gone?', 'anybody?')
  expect(anna.lines.slice(-2)).toEqual(['* there is no ben here; try /who', '* nobody is here'])

  const again = await Actor.enter('ben')
  await anna.reads(`* ben is back (${again.address})`)
  await anna.types('welcome')
  expect(again.lines).toContain('anna: welcome')
})

test('what is said at once arrives once, and in order', async () => {
  const [anna, ben] = await enter('anna', 'ben')
  const said = Array.from({ length: 40 }, (_, at) => `line ${at}`)
  await Promise.all(said.map((line) => anna.types(line)))
  expect(ben.lines.slice(2)).toEqual(said.map((line) => `anna: ${line}`))
})

test('what is on its way when somebody leaves still arrives, and later is refused with a reason', async () => {
  const [anna, ben] = await enter('anna', 'ben')
  void anna.types('one last thing')
  await anna.leave()
  expect(ben.lines).toContain('anna: one last thing')
  await anna.types('too late')
  expect(anna.lines.at(-1)).toBe('* ben may not have got "too late": you left')
})

test('a message to somebody who leaves before answering is told as lost', async () => {
  const anna = await Actor.enter('anna')
  const silent = await bind()
  const place = { port: discoveryPort, family: 4, interfaces: ['127.0.0.1'] } as const
  const service = { type: 'fairlead-peer', name: 'ben', port: silent.address.port }
  const announcement = await announce(service, place)
  await anna.reads(`* ben is here (127.0.0.1:${silent.address.port})`)
  const first = anna.types('hello?')
  const second = anna.types('hello??')
  await announcement.close()
  await Promise.all([first, second])
  await silent.close()
  expect(anna.lines.slice(-3)).toEqual([
    '* ben left',
    '* ben may not have got "hello?": not there any more',
    '* ben may not have got "hello??": not there any more',
  ])
})

test('those of one name are told apart while both are there', async () => {
  const [anna, ben] = await enter('anna', 'ben')
  const other = await Actor.enter('Ben')
  await anna.reads(`* Ben#2 is here (${other.address})`)
  await other.reads(`* ben#2 is here (${ben.address})`)
  await anna.types('@ben which?', '@ben#2 you', '/who')
  expect(other.lines).toContain('anna (to you): you')
  expect(ben.lines).not.toContain('anna (to you): you')
  expect(anna.lines.slice(-3)).toEqual([
    '* ben may be ben#1 or Ben#2',
    expect.stringMatching(/^\* ben#1 at 127\.0\.0\.1:\d+ since \d\d:\d\d:\d\d$/) as string,
    expect.stringMatching(/^\* Ben#2 at /) as string,
  ])
  await ben.leave()
  await anna.reads('* ben#1 left')
  await anna.types('@ben now it is clear')
  expect(other.lines).toContain('anna (to you): now it is clear')
})

test('the words of strangers do nothing to a terminal, and pass for nobody else’s', async () => {
  const anna = await Actor.enter('anna')
  await using liar = await stranger('anna: hi\u00a0* ben')
  await anna.reads(`* somebody is here (${liar.at})`)
  expect(await liar.write('say \u001b[2J\u009b1mahoy\r\n* ben left\u202e', anna)).toBe('heard')
  expect(anna.lines.at(-1)).toBe('somebody: ahoy * ben left')
  for (const nonsense of ['', 'say', 'say \u0007', 'shout ahoy', 'tellahoy']) {
    expect(await liar.write(nonsense, anna)).toBe('what?')
  }
  await anna.types('who are you?')
  expect(anna.lines.at(-1)).toBe('* somebody may not have got "who are you?": it did not understand')
})

test('who is not ready to hear is asked again', async () => {
  const anna = await Actor.enter('anna')
  await using ben = await stranger('ben', { answers: ['later', 'later'] })
  await anna.reads(`* ben is here (${ben.at})`)
  await anna.types('ahoy')
  expect(ben.heard).toEqual(['say ahoy', 'say ahoy', 'say ahoy'])
  expect(anna.events.at(-1)).toEqual({ event: 'delivered', peer: 'ben', text: 'ahoy' })
})

test('who was not announced is not heard', async () => {
  const anna = await Actor.enter('anna')
  await using unknown = await stranger('unknown', { announced: false })
  expect(await unknown.write('say ahoy', anna)).toBe('later')
  expect(anna.events).toHaveLength(1)
})

test.skipIf(!hasNetwork)('without --lan, the network is not seen', async () => {
  const anna = await Actor.enter('anna')
  const place = { port: discoveryPort, family: 4 } as const
  await using wide = await discover({}, place)
  const service = { type: 'fairlead-peer', name: 'outside', port: 4_000 }
  await using outside = await announce(service, { ...place, interfaces: [hostFor()] })
  await expect.poll(() => wide.peers.has(outside.id)).toBe(true)
  const ben = await Actor.enter('ben')
  await anna.reads(`* ben is here (${ben.address})`)
  expect(anna.lines).toHaveLength(2)
})

test('commands that cannot be obeyed are explained', async () => {
  const [anna] = await enter('anna', 'ben')
  await anna.types('/nope now', '/to', '@ben', 'x'.repeat(1_200), ' \t ')
  expect(anna.lines.slice(2)).toEqual([
    '* there is no /nope; try /help',
    '* there is no /to; try /help',
    '* what do you want to tell ben?',
    '* that line is too long',
  ])
  await anna.types('x'.repeat(1_194))
  expect(anna.lines).toHaveLength(6)
  expect(anna.events.at(-1)).toMatchObject({ event: 'delivered' })
})

test('when it cannot be announced, nothing stays open', async () => {
  await using taken = await bind({ host: '0.0.0.0' })
  await using free = await bind()
  const { port } = free.address
  await free.close()
  const options = { name: 'anna', port, lifetime: 15_000, lan: false, tell() {} }
  const attempt = startPeer({ ...options, discoveryPort: taken.address.port })
  await expect(attempt).rejects.toThrow(ListenError)
  await using again = await bind({ port })
  expect(again.address.port).toBe(port)
})
