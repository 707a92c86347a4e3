import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import type { SocketError } from '@fairlead/core'
import { afterEach, beforeEach, expect } from 'vitest'

import type { Lookup } from '../../src/address/resolve.ts'
import { BoundSocket, type BoundSocketParts } from '../../src/bound-socket.ts'
import type { Carrier, Sender } from '../../src/carrier.ts'
import { defaultSocketQueue } from '../../src/options.ts'
import type { SendQueueOptions } from '../../src/queue/quota.ts'
import { Counters } from '../../src/stats.ts'

/** The bytes as text. */
export const text = (data: Uint8Array): string => Buffer.from(data).toString()

/** What must not be looked at: Node does, and so does whoever writes a message. */
const trap = new Proxy(new Error('trap'), {
  get(target, name) {
    if (name === 'message' || name === 'code') throw new Error('spite')
    return Reflect.get(target, name) as unknown
  },
})
const nothing: unknown = Object.create(null)

/** What a callback can do wrong beside never answering. */
export const faults: [string, () => never | Promise<never>][] = [
  ['throws', () => raise(new Error('thrown'))],
  ['throws what cannot be shown', () => raise(nothing)],
  ['throws what throws when it is looked at', () => raise(trap)],
  ['rejects', () => Promise.reject(new Error('rejected'))],
  ['rejects with what cannot be shown', () => Promise.reject(nothing)],
]

function raise(thrown: unknown): never {
  throw thrown
}

/** Has each test of a file fail after which an error was left to the process. */
export function noneIsLeftToTheProcess(): void {
  const left: unknown[] = []
  const note = (error: unknown): void => void left.push(error)
  const events = ['unhandledRejection', 'uncaughtException'] as const
  beforeEach(() => {
    for (const event of events) process.on(event, note)
  })
  afterEach(async () => {
    // A rejection is reported when the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve))
    for (const event of events) process.off(event, note)
    expect(left.splice(0)).toEqual([])
  })
}

/** Runs one of {@link "alone.ts"} in a process of its own, begun by `prefix`; gives what it came to. */
export async function alone<T>(name: string, prefix: readonly string[] = []): Promise<T> {
  const program = fileURLToPath(new URL('program.mjs', import.meta.url))
  const [command, ...rest] = [...prefix, process.execPath, '--expose-gc', program, name]
  const { stdout } = await promisify(execFile)(command, rest, { timeout: 60_000 })
  const { left, result } = JSON.parse(stdout) as { left: string[]; result: T }
  expect(left).toEqual([])
  return result
}

type Done = (error: Error | null) => void

/** A carrier whose system takes nothing until it is told to, and that says what comes only when a test does. */
export class StuckCarrier implements Carrier {
  readonly queue: { data: Uint8Array; done: Done }[] = []
  closed = false
  #bytes = 0
  #listener: ((data: Uint8Array, sender: Sender) => void) | undefined

  send(data: Uint8Array, ...rest: [Done] | [number, string, Done]): void {
    this.#check()
    this.queue.push({ data, done: rest.at(-1) as Done })
    this.#bytes += data.byteLength
  }

  on(event: 'message', listener: (data: Uint8Array, sender: Sender) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'message' | 'error', listener: unknown): void {
    if (event === 'message') this.#listener = listener as (data: Uint8Array, sender: Sender) => void
  }

  /** A datagram has come. */
  bring(data: Uint8Array, sender: Sender): void {
    this.#listener?.(data, sender)
  }

  getSendQueueCount(): number {
    this.#check()
    return this.queue.length
  }

  getSendQueueSize(): number {
    this.#check()
    return this.#bytes
  }

  /** The system takes the oldest. */
  take(): void {
    const next = this.queue.shift()
    this.#bytes -= next?.data.byteLength ?? 0
    next?.done(null)
  }

  /** As the runtime does: what was not sent is cancelled, in a later tick. */
  close(): void {
    this.closed = true
    const cancelled = Object.assign(new Error('send ECANCELED'), { code: 'ECANCELED' })
    this.#bytes = 0
    for (const { done } of this.queue.splice(0)) process.nextTick(done, cancelled)
  }

  /** As the runtime: once it is closed, nothing may be asked of it. */
  #check(): void {
    if (!this.closed) return
    throw Object.assign(new Error('Not running'), { code: 'ERR_SOCKET_DGRAM_NOT_RUNNING' })
  }
}

/** Notes what a handler hears of troubles. */
export function trouble(): { told: SocketError[]; onTrouble(error: SocketError): void } {
  const told: SocketError[] = []
  return { told, onTrouble: (error) => void told.push(error) }
}

/** A bound socket on such a carrier. */
export function stuckSocket(sendQueue: Required<SendQueueOptions>, lookup?: Lookup) {
  const carrier = new StuckCarrier()
  const counters = new Counters()
  const address = { kind: 'ip', family: 4, host: '127.0.0.1', port: 9 } as const
  const receiveQueue = { ...defaultSocketQueue, policy: 'drop-newest' } as const
  const parts = { socket: carrier, speaks: [4], address, addressOf: () => address, lookup }
  const whole = { ...parts, counters, sendQueue, receiveQueue } as unknown as BoundSocketParts
  return { carrier, counters, socket: new BoundSocket(whole) }
}
