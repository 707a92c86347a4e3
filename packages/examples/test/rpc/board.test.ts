import { messagePair } from '@fairlead/core/memory'
import { expect, test } from 'vitest'

import { type Board, board, boardCodes, type Visitor } from '../../src/rpc/board.ts'
import { Peer } from '../../src/rpc/peer.ts'
import { codes, type Handlers } from '../../src/rpc/protocol.ts'
import { deferred } from '../deferred.ts'

type Handler = Handlers<Board, Visitor>

/** Somebody at the board. */
function visit(handlers: Handler, { confirm = () => false }: Partial<Handlers<Visitor, Board>> = {}) {
  const [near, far] = messagePair()
  void new Peer<Visitor>(far, handlers)
  const heard: [unknown, unknown][] = []
  let wake = deferred()
  const peer = new Peer<Board>(near, {
    confirm,
    changed({ name, value }) {
      heard.push([name, value])
      wake.resolve()
      wake = deferred()
    },
  } satisfies Handlers<Visitor, Board>)
  return {
    peer,
    near,
    heard,
    async hears(count: number) {
      while (heard.length < count) await wake.promise
      return heard
    },
  }
}

test('what one pins, another reads, until it is taken down', async () => {
  const handlers = board()
  const [{ peer: anna }, { peer: ben }] = [visit(handlers), visit(handlers)]
  expect(await ben.call('get', { name: 'build' })).toBeNull()
  const value = { state: 'green', at: [1, 2] }
  expect(await anna.call('set', { name: 'build', value })).toBeNull()
  expect(await ben.call('get', { name: 'build' })).toEqual(value)
  await ben.call('set', { name: 'build', value: null })
  expect(await anna.call('get', { name: 'build' })).toBeNull()
})

test('who watches hears what is there, then what changes, until that is given up', async () => {
  const handlers = board()
  const [anna, ben] = [visit(handlers), visit(handlers)]
  await ben.peer.call('set', { name: 'a', value: 1 })
  const giving = new AbortController()
  const watching = anna.peer.call('watch', {}, { signal: giving.signal, timeout: 0 })
  await anna.hears(1)
  await ben.peer.call('set', { name: 'b', value: 2 })
  await ben.peer.call('set', { name: 'a', value: null })
  expect(await anna.hears(3)).toEqual([
    ['a', 1],
    ['b', 2],
    ['a', null],
  ])
  giving.abort(new Error('enough'))
  await expect(watching).rejects.toThrow('enough')
  // Behind it on the way, so that it is known to have arrived.
  await anna.peer.call('set', { name: 'c', value: 3 })
  expect(anna.heard).toHaveLength(3)
})

test('a watcher that is gone is told nothing, and costs the others nothing', async () => {
  const handlers = board()
  const [anna, ben, carl] = [visit(handlers), visit(handlers), visit(handlers)]
  const watching = [anna, carl].map(({ peer }) => peer.call('watch', {}).catch(() => {}))
  await ben.peer.call('set', { name: 'a', value: 1 })
  await Promise.all([anna.hears(1), carl.hears(1)])
  anna.near.destroy()
  await watching[0]
  await ben.peer.call('set', { name: 'b', value: 2 })
  await carl.hears(2)
  expect(anna.heard).toEqual([['a', 1]])
})

test('clear asks whether it is meant', async () => {
  const handlers = board()
  const asked: unknown[] = []
  const answers = [false, 'maybe', true]
  const { peer } = visit(handlers, {
    confirm({ question }) {
      asked.push(question)
      return answers.shift() as boolean
    },
  })
  await peer.call('set', { name: 'a', value: 1 })
  await peer.call('set', { name: 'b', value: 2 })
  for (let times = 0; times < 2; times++) {
    await expect(peer.call('clear', {})).rejects.toMatchObject({ code: boardCodes.declined })
  }
  expect(await peer.call('get', { name: 'a' })).toBe(1)
  expect(await peer.call('clear', {})).toBe(2)
  expect(await peer.call('get', { name: 'a' })).toBeNull()
  expect(asked).toEqual([
    'Take down everything, 2 in all?',
    'Take down everything, 2 in all?',
    'Take down everything, 2 in all?',
  ])
})

test('who cannot be asked has not confirmed', async () => {
  const [near, far] = messagePair()
  void new Peer<Visitor>(far, board())
  await expect(new Peer<Board>(near, {}).call('clear', {})).rejects.toMatchObject({
    code: codes.methodNotFound,
  })
})

test.each([{}, { name: '' }, { name: 1 }, { name: null }, { name: { toString: 1 } }])(
  'get and set want a name, and %j is none',
  async (params) => {
    const { peer } = visit(board())
    const invalid = { code: codes.invalidParams }
    await expect(peer.call('get', params as { name: string })).rejects.toMatchObject(invalid)
    await expect(peer.call('set', { value: 1, ...(params as { name: string }) })).rejects.toMatchObject(
      invalid,
    )
  },
)

test.each(['__proto__', 'constructor', 'hasOwnProperty'])('%s is a name like any other', async (name) => {
  const { peer } = visit(board())
  expect(await peer.call('get', { name })).toBeNull()
  const value = JSON.parse('{"__proto__":{"polluted":true}}') as unknown
  await peer.call('set', { name, value })
  expect(JSON.stringify(await peer.call('get', { name }))).toBe('{"__proto__":{"polluted":true}}')
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('a value that is nested too deeply costs its call', async () => {
  const [near, far] = messagePair()
  const answers = near[Symbol.asyncIterator]()
  void new Peer<Visitor>(far, board())
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  near.write(`{"jsonrpc":"2.0","id":1,"method":"set","params":{"name":"a","value":${deep}}}`)
  near.write('{"jsonrpc":"2.0","id":2,"method":"get","params":{"name":"a"}}')
  const [first, second] = [await answers.next(), await answers.next()]
  expect([first.value, second.value].map((text) => JSON.parse(text ?? '') as unknown)).toEqual([
    { jsonrpc: '2.0', id: 1, error: { code: codes.internalError, message: 'Internal error' } },
    { jsonrpc: '2.0', id: 2, result: null },
  ])
})

test('a board has room for 500 values of 1,000 bytes', async () => {
  const { peer } = visit(board())
  const set = (name: string, value: unknown) => peer.call('set', { name, value })
  await set('a', 'x'.repeat(992))
  await expect(set('a', 'x'.repeat(993))).rejects.toMatchObject({ code: codes.invalidParams })
  for (let at = 1; at < 500; at++) await set(`name ${at}`, at)
  await expect(set('one more', 1)).rejects.toMatchObject({
    code: boardCodes.full,
    message: 'The board is full',
  })
  await set('name 7', 'another')
  await set('name 8', null)
  await set('one more', 1)
})
