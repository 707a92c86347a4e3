import { once, setMaxListeners } from 'node:events'

import { messagePair } from '@fairlead/core/memory'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { Peer } from '../../src/rpc/peer.ts'
import { codes } from '../../src/rpc/protocol.ts'
import { deferred } from '../deferred.ts'
import { type Client, open, type Service, service, visit, type Way, ways } from './cast.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** Where the end of one side is heard at the other. */
const connected = ways.filter((way) => way !== 'udp')

const ended = { name: 'Error', code: codes.ended, message: 'The connection has ended' }

/** Heard from now on: it may fail before it is awaited. */
function fails(call: Promise<unknown>, expected: object = ended): Promise<void> {
  return expect(call).rejects.toMatchObject(expected)
}

describe.each(ways)('over %s', (way) => {
  test('calls are answered, in whatever order they finish', async () => {
    const { peer, diary } = await visit(way)
    const giving = new AbortController()
    const waiting = peer.call('wait', {}, { signal: giving.signal })
    const sums = Array.from({ length: 50 }, (_, at) => peer.call('add', { a: at, b: 1 }))
    expect(await Promise.all(sums)).toEqual(sums.map((_, at) => at + 1))
    giving.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await diary.cancelled.promise
  })

  test('the service calls back before it answers', async () => {
    const { peer } = await visit(way, { name: () => 'ben' })
    expect(await peer.call('greet', {})).toBe('ahoy, ben')
  })

  test('notifications come in order, and before the answer behind them', async () => {
    const heard: unknown[] = []
    const { peer } = await visit(way, { counted: ({ at }) => void heard.push(at) })
    expect(await peer.call('count', { to: 20 })).toBe(20)
    expect(heard).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
  })

  test('what fails costs one call, and tells no more than it was meant to', async () => {
    const { peer, diary } = await visit(way)
    const internal = { code: codes.internalError, message: 'Internal error' }
    for (const how of ['throw', 'reject', 'null', 'json']) {
      await expect(peer.call('fail', { how })).rejects.toMatchObject(internal)
    }
    expect(diary.failures).toHaveLength(4)
    await expect(peer.call('fail', { how: 'code' })).rejects.toMatchObject({
      code: 7,
      message: 'seven',
      data: { of: 9 },
    })
    expect(await peer.call('add', { a: 1, b: 2 })).toBe(3)
  })

  test('a call that hangs is given up at its deadline, and the others are not', async () => {
    const { peer, diary } = await visit(way)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const late = peer.call('wait', {}, { timeout: 5_000 })
    const patient = peer.call('wait', {}, { timeout: 5_001 })
    const told = fails(late, { code: codes.late, message: 'No answer in 5000 ms' })
    await diary.waiting.promise
    vi.advanceTimersByTime(5_000)
    await told
    await diary.cancelled.promise
    expect(await peer.call('add', { a: 1, b: 2 })).toBe(3)
    vi.advanceTimersByTime(1)
    await expect(patient).rejects.toMatchObject({ code: codes.late })
  })

  test.each([
    ['closed', 'close'],
    ['destroyed', 'destroy'],
  ] as const)(
    'calls end when this side is %s: those under way, those of the peer, and later ones',
    async (_, verb) => {
      const { peer, near, diary } = await visit(way)
      const outcomes = [fails(peer.call('wait', {})), fails(peer.call('hang', {}))]
      await diary.waiting.promise
      outcomes.push(fails(peer.call('add', { a: 1, b: 2 })))
      void near[verb]()
      outcomes.push(fails(peer.call('greet', {})))
      await Promise.all(outcomes)
      await fails(peer.call('greet', {}))
      await expect(peer.notify('add', { a: 1, b: 2 })).rejects.toThrow('Cannot write')
      if (way !== 'udp') await diary.cancelled.promise
    },
  )
})

describe.each(connected)('when the peer leaves, over %s,', (way) => {
  test.each(['close', 'destroy', 'shut down'] as const)('by %s, its calls end', async (how) => {
    const { peer, theirs, near, far, shutDown, diary } = await visit(way, {
      name: () => new Promise(() => {}),
    })
    const calls = [peer.call('wait', {}), peer.call('hang', {}), peer.call('greet', {})]
    const outcomes = calls.map((call) => fails(call))
    await diary.waiting.promise
    const asked = fails(theirs.call('name', {}))
    if (how === 'close') void far.close()
    if (how === 'destroy') far.destroy()
    if (how === 'shut down') await shutDown()
    await Promise.all([...outcomes, asked])
    await near.closed
    await expect(peer.call('add', { a: 1, b: 2 })).rejects.toMatchObject(ended)
    await diary.cancelled.promise
  })

  test('an answer that came before still counts', async () => {
    const { near, far } = await open(way)
    const peer = new Peer<Service>(near, {})
    far.handle({
      onData(text) {
        const { id } = JSON.parse(text) as { id: number }
        far.write(JSON.stringify({ jsonrpc: '2.0', id, result: 3 }))
        void far.close()
      },
    })
    const [first, second] = [peer.call('add', { a: 1, b: 2 }), peer.call('add', { a: 1, b: 2 })]
    const lost = fails(second)
    expect(await first).toBe(3)
    await lost
  })
})

test('an answer that is lost over UDP ends its call at the deadline', async () => {
  const { near } = await open('udp')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const lost = new Peer<Service>(near, {}).call('add', { a: 1, b: 2 })
  vi.advanceTimersByTime(30_000)
  await expect(lost).rejects.toMatchObject({ code: codes.late })
})

test.each<[Way, RegExp]>([
  ['framed memory', /^Cannot send message: \d+ bytes are more than maxLength 1048576$/],
  ['udp', /^Cannot send: \d+ bytes are more than maxMessageSize 1200$/],
  ['ws', /^Cannot send message: \d+ bytes are more than maxPayload 1048576$/],
  ['lsp', /^Cannot frame message: \d+ bytes are more than 1048576$/],
])('over %s, what is too large to send fails with a reason, both ways', async (way, words) => {
  const { peer } = await visit(way)
  await expect(peer.call('fail', { how: 'x'.repeat(1_100_000) })).rejects.toThrow(words)
  await expect(peer.call('fail', { how: 'large' })).rejects.toMatchObject({
    code: codes.internalError,
    message: expect.stringMatching(words) as string,
  })
  expect(await peer.call('add', { a: 1, b: 2 })).toBe(3)
})

describe('given up,', () => {
  test('a call rejects at once with the reason, and the peer learns of it', async () => {
    const { peer, diary } = await visit('memory')
    const giving = new AbortController()
    const call = peer.call('wait', {}, { signal: giving.signal })
    await diary.waiting.promise
    giving.abort(new Error('enough'))
    await expect(call).rejects.toBe(giving.signal.reason)
    await diary.cancelled.promise
    await expect(peer.call('wait', {}, { signal: giving.signal })).rejects.toBe(giving.signal.reason)
  })

  test('a call that the handler is not interested in giving up rejects all the same', async () => {
    const { peer, diary } = await visit('memory')
    const giving = new AbortController()
    const call = peer.call('hang', {}, { signal: giving.signal })
    await diary.waiting.promise
    giving.abort()
    await expect(call).rejects.toBe(giving.signal.reason)
  })

  test('a call that was answered before takes nothing back', async () => {
    const { near, far } = await open('memory')
    const said = far[Symbol.asyncIterator]()
    const peer = new Peer<Service>(near, {})
    const giving = new AbortController()
    const call = peer.call('add', { a: 1, b: 2 }, { signal: giving.signal })
    await said.next()
    far.write('{"jsonrpc":"2.0","id":0,"result":3}')
    expect(await call).toBe(3)
    giving.abort()
    void peer.notify('add', { a: 1, b: 2 })
    const { value } = await said.next()
    expect(value).toContain('"method":"add"')
  })

  test('by a timeout of 0, never', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { peer, near, diary } = await visit('memory')
    const call = fails(peer.call('wait', {}, { timeout: 0 }))
    await diary.waiting.promise
    expect(vi.getTimerCount()).toBe(0)
    near.destroy()
    await call
  })
})

/** What the service says to a text. */
async function says(...texts: string[]): Promise<unknown[]> {
  const [near, far] = messagePair()
  const said: unknown[] = []
  const done = deferred()
  const last = '{"jsonrpc":"2.0","id":"last","method":"add","params":{"a":1,"b":2}}'
  near.handle({
    onData(text) {
      const answer = JSON.parse(text) as { id: unknown }
      if (answer.id === 'last') done.resolve()
      else said.push(answer)
    },
  })
  void new Peer<Client>(far, service())
  for (const text of [...texts, last]) near.write(text)
  await done.promise
  near.destroy()
  return said
}

function refusal(code: number, id: unknown = null) {
  return { jsonrpc: '2.0', id, error: { code, message: expect.any(String) as string } }
}

test.each([
  '',
  ' ',
  '{',
  '{"jsonrpc":"2.0","method":"add","params":[1,2',
  'NaN',
  "{'jsonrpc':'2.0'}",
  '\u0000',
  '['.repeat(100_000),
])('%j is no JSON', async (text) => {
  expect(await says(text)).toEqual([refusal(codes.parseError)])
})

test.each([
  ['null', null],
  ['1', null],
  ['"add"', null],
  ['{}', null],
  ['[]', null],
  ['[{"jsonrpc":"2.0","id":1,"method":"add"}]', null],
  ['{"jsonrpc":"2.0","id":1}', 1],
  ['{"jsonrpc":"1.0","id":1,"method":"add"}', 1],
  ['{"id":"a","method":"add"}', 'a'],
  ['{"jsonrpc":"2.0","id":1,"method":2}', 1],
  ['{"jsonrpc":"2.0","id":1,"method":null}', 1],
  ['{"jsonrpc":"2.0","id":{},"method":"add"}', null],
  ['{"jsonrpc":"2.0","id":true,"method":"add"}', null],
  ['{"jsonrpc":"2.0","id":1,"method":"add","params":null}', 1],
  ['{"jsonrpc":"2.0","id":1,"method":"add","params":"12"}', 1],
  ['{"jsonrpc":"2.0","method":"$/cancelRequest","params":7}', null],
])('%s is no call', async (text, id) => {
  expect(await says(text)).toEqual([refusal(codes.invalidRequest, id)])
})

test.each([
  'nothing',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  '$/anything',
  'rpc.discover',
])('there is no method %j', async (method) => {
  const call = JSON.stringify({ jsonrpc: '2.0', id: 5, method, params: {} })
  expect(await says(call)).toEqual([refusal(codes.methodNotFound, 5)])
})

test.each([
  '{}',
  '[]',
  '[1,2]',
  '{"a":1}',
  '{"a":1,"b":"2"}',
  '{"a":1,"b":null}',
  '{"__proto__":{"a":1,"b":2}}',
  '{"constructor":{"prototype":{"a":1,"b":2}}}',
])('the parameters %s are none of add', async (params) => {
  const call = `{"jsonrpc":"2.0","id":5,"method":"add","params":${params}}`
  expect(await says(call)).toEqual([refusal(codes.invalidParams, 5)])
  expect(Object.prototype).not.toHaveProperty('a')
})

test.each([
  '{"jsonrpc":"2.0","method":"add","params":{"a":1,"b":2}}',
  '{"jsonrpc":"2.0","method":"nothing"}',
  '{"jsonrpc":"2.0","method":"fail","params":{"how":"throw"}}',
  '{"jsonrpc":"2.0","method":"$/cancelRequest"}',
  '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{}}',
  '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":{}}}',
  '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":77}}',
  '{"jsonrpc":"2.0","id":77,"result":1}',
  '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"no"}}',
  '{"jsonrpc":"2.0","id":"__proto__","result":{}}',
])('%s is not answered', async (text) => {
  expect(await says(text)).toEqual([])
})

test.each([
  ['{"code":1,"message":"no","data":[1]}', { code: 1, message: 'no', data: [1] }],
  [
    '{"code":"1","message":{"toString":1}}',
    { code: codes.internalError, message: 'Failed without a reason' },
  ],
  ['"no"', { code: codes.internalError }],
  ['false', { code: codes.internalError }],
  ['[]', { code: codes.internalError }],
])('an answer with the error %s ends its call', async (error, expected) => {
  const [near, far] = messagePair()
  const peer = new Peer<Service>(near, {})
  far.handle({ onData: () => void far.write(`{"jsonrpc":"2.0","id":0,"error":${error}}`) })
  await expect(peer.call('add', { a: 1, b: 2 })).rejects.toMatchObject(expected)
})

test('an answer of null is an answer, and one of older versions, too', async () => {
  const [near, far] = messagePair()
  const peer = new Peer<Service>(near, {})
  far.write('{"jsonrpc":"2.0","id":0,"result":null}')
  expect(await peer.call('fail', { how: '' })).toBeNull()
  far.write('{"id":1,"result":4,"error":null}')
  expect(await peer.call('fail', { how: '' })).toBe(4)
})

test('a call under the id null is answered under it', async () => {
  const call = '{"jsonrpc":"2.0","id":null,"method":"add","params":{"a":1,"b":1}}'
  expect(await says(call)).toEqual([{ jsonrpc: '2.0', id: null, result: 2 }])
})

test('parameters by position are refused before any handler sees them', async () => {
  const call = '{"jsonrpc":"2.0","id":5,"method":"fail","params":[1]}'
  expect(await says(call)).toEqual([refusal(codes.invalidParams, 5)])
})

test('a call that is given up is answered so', async () => {
  const call = '{"jsonrpc":"2.0","id":"w","method":"wait"}'
  const cancel = '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"w"}}'
  expect(await says(call, cancel)).toEqual([refusal(codes.cancelled, 'w')])
})

test('an answer takes its deadline away', async () => {
  const { peer } = await visit('memory')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  await peer.call('add', { a: 1, b: 2 })
  expect(vi.getTimerCount()).toBe(0)
})

test('two calls under one id both end with the connection', async () => {
  const { near, far } = await open('memory')
  const accepted = deferred()
  const over: Promise<unknown>[] = []
  void new Peer<Client>(far, {
    wait(_, { signal }) {
      if (over.push(once(signal, 'abort')) === 2) accepted.resolve()
      return new Promise(() => {})
    },
  })
  for (let times = 0; times < 2; times++) near.write('{"jsonrpc":"2.0","id":1,"method":"wait"}')
  await accepted.promise
  far.destroy()
  await Promise.all(over)
})

test('two calls under one id are answered both', async () => {
  const call = '{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":1,"b":1}}'
  const answer = { jsonrpc: '2.0', id: 1, result: 2 }
  expect(await says(call, call)).toEqual([answer, answer])
})

test('no more than 100 calls are worked on at a time, and those that hang cost no others', async () => {
  const { peer, near } = await visit('memory')
  const hanging = Array.from({ length: 100 }, () => peer.call('hang', {}))
  const outcomes = hanging.map((call) => fails(call))
  await expect(peer.call('add', { a: 1, b: 2 })).rejects.toMatchObject({ code: codes.busy })
  near.destroy()
  await Promise.all(outcomes)

  const again = await visit('memory')
  const giving = new AbortController()
  setMaxListeners(0, giving.signal)
  const waiting = Array.from({ length: 100 }, () => again.peer.call('wait', {}, giving))
  await expect(again.peer.call('add', { a: 1, b: 2 })).rejects.toMatchObject({ code: codes.busy })
  giving.abort()
  await Promise.allSettled(waiting)
  await again.diary.cancelled.promise
  expect(await again.peer.call('add', { a: 1, b: 2 })).toBe(3)
})

test('a peer that asks and asks, and does not read the answers, is cut off', async () => {
  const { near, far } = await open('memory')
  void new Peer<Client>(far, service())
  const call = `{"jsonrpc":"2.0","id":1,"method":"nothing"}`
  const flood = async (): Promise<void> => {
    for (;;) await near.send(call)
  }
  await expect(flood()).rejects.toThrow('Cannot write: ')
  const { closed } = far
  expect(await closed).toMatchObject({ kind: 'error', error: { code: 'ERR_FAIRLEAD_LIMIT' } })
})
