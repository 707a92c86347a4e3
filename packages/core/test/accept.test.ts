import { describe, expect, test } from 'vitest'

import { admit } from '../src/accept.ts'
import type { ConnectionHandler } from '../src/connection.ts'
import { SocketError } from '../src/errors.ts'
import type { Accept } from '../src/listener.ts'
import { MemoryMessageConnection } from '../src/memory/connection.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const handler: ConnectionHandler<string> = { onData() {} }
const fault = new Error('out of spite')

// What user code may return.
// oxlint-disable unicorn/no-thenable
const thenable = { then: (yes: (value: object) => void) => yes(handler) }
const trap = {
  get then() {
    throw fault
  },
}
// oxlint-enable unicorn/no-thenable

type Subject = MemoryMessageConnection<string>

async function admitted(accept: Accept<Subject, string>): Promise<Subject> {
  const [here, there] = [
    new MemoryMessageConnection<string>('a', 'b'),
    new MemoryMessageConnection<string>('b', 'a'),
  ]
  MemoryMessageConnection.tie(here, there)
  admit(here, accept)
  await turn()
  return here
}

test.each<[string, Accept<Subject, string>, boolean, string]>([
  ['a handler', () => handler, true, 'open'],
  ['a promise of a handler', async () => handler, true, 'open'],
  ['a promise of nothing', async () => {}, false, 'closing'],
  ['a promise of nothing, having handled', async (connection) => connection.handle(handler), true, 'open'],
  [
    'a promise of nothing, being iterated',
    async (connection) => void connection[Symbol.asyncIterator](),
    true,
    'open',
  ],
  ['nothing', () => {}, false, 'open'],
  ['nothing, having handled', (connection) => connection.handle(handler), true, 'open'],
  ['a thenable', () => thenable as never, true, 'open'],
  ['what is no handler at all', () => 5 as never, false, 'open'],
])('accept returns %s', async (_, accept, occupied, state) => {
  const connection = await admitted(accept)
  expect([connection.occupied, connection.state]).toEqual([occupied, state])
})

describe.each<[string, Accept<Subject, string>]>([
  [
    'throws',
    () => {
      throw fault
    },
  ],
  ['rejects', () => Promise.reject(fault)],
  [
    'handles and then rejects',
    async (connection) => {
      connection.handle(handler)
      throw fault
    },
  ],
  ['returns what throws when looked at', () => trap as never],
])('accept that %s', (_, accept) => {
  test('destroys the connection with the fault as the reason', async () => {
    const connection = await admitted(accept)
    const reason = await connection.closed
    expect(reason).toMatchObject({ kind: 'error', error: { cause: fault } })
    expect(reason.kind === 'error' && SocketError.is(reason.error)).toBe(true)
  })
})

test('a handler that comes after the connection was closed is told so', async () => {
  const reasons: unknown[] = []
  const connection = await admitted(async (subject) => {
    subject.destroy()
    return { onData() {}, onClose: (reason) => void reasons.push(reason) }
  })
  expect(connection.state).toBe('closed')
  expect(reasons).toEqual([{ kind: 'local' }])
})
