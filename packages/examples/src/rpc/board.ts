import { EventEmitter, once } from 'node:events'

import { invalidParams } from './peer.ts'
import { type Handlers, RpcError } from './protocol.ts'

/** A board on which anybody pins values under names, for all others to see. */
export interface Board {
  get(params: { name: string }): unknown
  /** In the place of the value before; null takes it down. */
  set(params: { name: string; value: unknown }): null
  /** Calls `changed` for what is there and then for what changes, until it is given up. */
  watch(params: object): never
  /** Takes everything down, if the caller says yes to `confirm`. Answers how many values that were. */
  clear(params: object): number
}

/** What the board calls. */
export interface Visitor {
  changed(params: { name: string; value: unknown }): void
  confirm(params: { question: string }): boolean
}

export const boardCodes = { full: 1, declined: 2 } as const

const maxValues = 500
/** Bytes of a name and its value in JSON, so that one datagram holds them. */
const maxLength = 1_000

export function board(): Handlers<Board, Visitor> {
  const values = new Map<string, unknown>()
  const changes = new EventEmitter<{ change: [name: string] }>().setMaxListeners(0)
  return {
    get: ({ name }) => values.get(checked(name)) ?? null,
    set({ name: given, value = null }) {
      const name = checked(given)
      if (Buffer.byteLength(JSON.stringify([name, value])) > maxLength)
        throw invalidParams(`more than ${maxLength} bytes`)
      if (value === null) values.delete(name)
      else if (values.size < maxValues || values.has(name)) values.set(name, value)
      else throw new RpcError(boardCodes.full, 'The board is full')
      changes.emit('change', name)
      return null
    },
    async watch(_, { peer, signal }) {
      const tell = (name: string): void => {
        if (!signal.aborted) void peer.notify('changed', { name, value: values.get(name) ?? null })
      }
      for (const name of values.keys()) tell(name)
      changes.on('change', tell)
      await once(signal, 'abort')
      changes.off('change', tell)
      throw signal.reason
    },
    async clear(_, { peer, signal }) {
      const question = `Take down everything, ${values.size} in all?`
      const answer: unknown = await peer.call('confirm', { question }, { signal })
      if (answer !== true) throw new RpcError(boardCodes.declined, 'Not confirmed')
      const names = [...values.keys()]
      values.clear()
      for (const name of names) changes.emit('change', name)
      return names.length
    },
  }
}

function checked(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name
  throw invalidParams('name is not a text')
}
