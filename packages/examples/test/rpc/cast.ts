import type { MessageConnection } from '@fairlead/core'
import { messagePair, pair } from '@fairlead/core/memory'
import * as tcp from '@fairlead/tcp'
import { onTestFinished } from 'vitest'

import { contentLengthText, lengthPrefixedText } from '../../src/rpc/framing.ts'
import { invalidParams, Peer } from '../../src/rpc/peer.ts'
import { type Handlers, RpcError } from '../../src/rpc/protocol.ts'
import { connect, type TransportName, transports } from '../../src/rpc/transports.ts'
import { deferred } from '../deferred.ts'

/** A service that does whatever can be done. */
export interface Service {
  add(params: { a: number; b: number }): number
  /** Asks the caller for its name. */
  greet(params: object): string
  /** Counts aloud. */
  count(params: { to: number }): number
  /** Until it is given up. */
  wait(params: object): never
  hang(params: object): never
  fail(params: { how: string }): unknown
}

export interface Client {
  name(params: object): string
  counted(params: { at: number }): void
}

/** What a service went through. */
class Diary {
  readonly failures: unknown[] = []
  readonly waiting = deferred()
  readonly cancelled = deferred()
}

export function service(diary = new Diary()): Handlers<Service, Client> {
  return {
    add({ a, b }) {
      if (typeof a !== 'number' || typeof b !== 'number') throw invalidParams('a and b are numbers')
      return a + b
    },
    greet: async (_, { peer, signal }) => `ahoy, ${await peer.call('name', {}, { signal })}`,
    async count({ to }, { peer }) {
      for (let at = 1; at <= Number(to); at++) await peer.notify('counted', { at })
      return Number(to)
    },
    async wait(_, { signal }) {
      diary.waiting.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      diary.cancelled.resolve()
      throw signal.reason
    },
    hang() {
      diary.waiting.resolve()
      return new Promise<never>(() => {})
    },
    fail({ how }) {
      if (how === 'reject') return Promise.reject(new Error('secret'))
      if (how === 'code') throw new RpcError(7, 'seven', { of: 9 })
      if (how === 'json') return 1n
      if (how === 'large') return 'x'.repeat(2_000_000)
      // oxlint-disable-next-line typescript/only-throw-error -- Handlers are anybody's.
      throw how === 'null' ? null : new Error('secret')
    },
  }
}

export type Way = 'memory' | 'framed memory' | TransportName

export const ways: readonly Way[] = ['memory', 'framed memory', 'tcp', 'udp', 'ws', 'lsp']

/** Both ends of a connection. */
export interface Ends {
  readonly near: MessageConnection<string>
  readonly far: MessageConnection<string>
  /** Closes what the far end was accepted by. */
  shutDown(): Promise<void>
}

export async function open(way: Way): Promise<Ends> {
  const ends = await opened(way)
  onTestFinished(async () => {
    ends.near.destroy()
    ends.far.destroy()
    await ends.shutDown()
  })
  return ends
}

/** A conversation with the service. */
export async function visit(way: Way, client: Partial<Handlers<Client, Service>> = {}) {
  const ends = await open(way)
  const diary = new Diary()
  const theirs = new Peer<Client>(ends.far, service(diary), (error) => void diary.failures.push(error))
  const handlers: Handlers<Client, Service> = { name: () => 'anna', counted() {}, ...client }
  return { ...ends, diary, theirs, peer: new Peer<Service>(ends.near, handlers) }
}

async function opened(way: Way): Promise<Ends> {
  if (way === 'memory') return memory(messagePair())
  if (way === 'framed memory') {
    const [near, far] = pair()
    return memory([lengthPrefixedText(near), lengthPrefixedText(far)])
  }
  const accepted = deferred<MessageConnection<string>>()
  const listener = await transports[way](0, accepted.resolve)
  const shutDown = (): Promise<void> => listener.close({ grace: 1_000 })
  const port = listener.address.kind === 'ip' ? listener.address.port : 0
  const near =
    way === 'lsp'
      ? contentLengthText(await tcp.connect({ port }))
      : await connect(`${way}://127.0.0.1:${port}`, new AbortController().signal)
  return { near, far: await accepted.promise, shutDown }
}

function memory([near, far]: [MessageConnection<string>, MessageConnection<string>]): Ends {
  return { near, far, shutDown: () => far.close({ grace: 1_000 }) }
}
