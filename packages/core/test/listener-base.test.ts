import { expect, test } from 'vitest'

import type { Address } from '../src/address.ts'
import { ListenerBase } from '../src/listener-base.ts'
import { MemoryByteConnection } from '../src/memory/connection.ts'

/** A listener whose system never answers. */
class Stuck extends ListenerBase<MemoryByteConnection, Uint8Array, Uint8Array | string> {
  readonly address: Address = { kind: 'memory', name: 'stuck' }

  protected unlisten(): Promise<void> {
    return Promise.resolve()
  }

  protected relisten(): Promise<void> {
    return new Promise(() => {})
  }
}

test('closing does not wait longer than its grace for a resumption that hangs', async () => {
  const listener = new Stuck(undefined)
  await listener.suspend()
  void listener.resume()
  await listener.close({ grace: 1 })
  expect(await listener.closed).toEqual({ kind: 'local' })
})
