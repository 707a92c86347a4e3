import { bind, interfaces, type UdpSocket } from '@fairlead/udp'
import { afterEach, expect, test } from 'vitest'

import { type HubFacts, lightBeacon, questionOf, questionSize } from '../../src/hub/beacon.ts'
import { findHubs } from '../../src/hub/find.ts'
import { hostFor } from '../../src/hub/host.ts'

const facts: HubFacts = { name: 'galley', page: 'http://127.0.0.1:7400/', chat: '127.0.0.1:7401', lan: false }
const number = '0123456789abcdef'
const sockets: UdpSocket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) await socket.close()
})

async function light(told: (asker: string) => HubFacts = () => facts): Promise<UdpSocket> {
  const beacon = await lightBeacon({ host: '127.0.0.1', port: 0, facts: told })
  sockets.push(beacon)
  return beacon
}

/** What the beacon answers to these datagrams, in order. The last one must be answered. */
async function ask(beacon: UdpSocket, ...datagrams: (Uint8Array | string)[]): Promise<string[]> {
  const socket = await bind({})
  sockets.push(socket)
  for (const datagram of datagrams) await socket.send(datagram, beacon.address)
  await socket.send(questionOf('ffffffffffffffff'), beacon.address)
  const answers = []
  for await (const { data } of socket) {
    const answer = Buffer.from(data).toString()
    if (answer.includes('ffffffffffffffff')) break
    answers.push(answer)
  }
  return answers
}

test('a question is answered with where the hub is', async () => {
  const [answer = ''] = await ask(await light(), questionOf(number))
  expect(JSON.parse(answer)).toEqual({ fairlead: number, ...facts })
})

test('what is no question gets no answer', async () => {
  const beacon = await light()
  const strangers = [
    '',
    'fairlead?',
    'fairlead? xyz',
    '{}',
    Buffer.alloc(2_000),
    `${questionOf(number).toString()}x`,
  ]
  expect(await ask(beacon, ...strangers)).toEqual([])
})

test('the answer is never longer than the question', async () => {
  const beacon = await light((asker) => ({ ...facts, name: asker.repeat(100) }))
  const short = questionOf(number).subarray(0, 40)
  const honest = await light()
  expect(await ask(honest, short)).toEqual([])
  const socket = await bind({})
  sockets.push(socket)
  await socket.send(questionOf(number), beacon.address)
  expect(await ask(honest, questionOf(number))).toHaveLength(1)
  expect(socket.stats().received).toBe(0)
  expect(questionOf(number)).toHaveLength(questionSize)
})

test('finds the hub of this machine, once', async () => {
  const beacon = await light()
  expect(await findHubs({ port: beacon.address.port, timeout: 200 })).toEqual([facts])
})

test('finds nothing where nothing is, and believes nobody who lies', async () => {
  const silent = await bind({})
  sockets.push(silent)
  expect(await findHubs({ port: silent.address.port, timeout: 50 })).toEqual([])

  const liar = await bind({})
  sockets.push(liar)
  liar.handle({
    onDatagram(data, from) {
      const asked = Buffer.from(data).toString('latin1', 10, 26)
      for (const lie of [
        { ...facts, fairlead: number },
        { ...facts, fairlead: asked, page: 'nowhere' },
        { ...facts, fairlead: asked, name: null },
        { fairlead: asked },
      ]) {
        void liar.send(JSON.stringify(lie), from)
      }
      void liar.send('{', from)
      void liar.send(JSON.stringify({ ...facts, fairlead: asked, name: '\x1b[2Jgalley\n' }), from)
    },
  })
  expect(await findHubs({ port: liar.address.port, timeout: 200 })).toEqual([facts])
})

test('an asker is told the address in its own network', () => {
  const outward = interfaces().filter(({ internal, family }) => !internal && family === 4)
  for (const { host } of outward) expect(hostFor(host)).toBe(host)
  expect(hostFor('203.0.113.9')).toBe(hostFor())
  expect(hostFor()).toBe(outward[0]?.host ?? '127.0.0.1')
})
