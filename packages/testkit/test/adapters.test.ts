import type { Accept, Address, ByteConnection, Listener } from '@fairlead/core'
import { connectBytes, listenBytes } from '@fairlead/core/memory'
import { fromDuplex, toDuplex } from '@fairlead/core/node'
import { type ConnectionBase, ListenerBase } from '@fairlead/core/transport'
import { fromWeb, toWeb } from '@fairlead/core/web'

import { everything, type Fixture } from '../src/fixture.ts'
import { byteRecords } from '../src/records.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

type Bytes = ConnectionBase<Uint8Array, Uint8Array | string> & ByteConnection

/** A connection made into streams, and those into a connection again. */
type Adapt = (connection: ByteConnection) => ByteConnection

/** Listens in memory, and sees each connection through the adapters. */
class AdaptedListener extends ListenerBase<Bytes, Uint8Array, Uint8Array | string> {
  readonly address: Address
  readonly #name: string
  readonly #adapt: Adapt
  #inner: Listener<ByteConnection> | undefined

  constructor(name: string, adapt: Adapt, accept: Accept<ByteConnection, Uint8Array> | undefined) {
    super(accept)
    this.address = { kind: 'memory', name }
    this.#name = name
    this.#adapt = adapt
  }

  async listen(): Promise<this> {
    this.#inner = await listenBytes(this.#name, (connection) => {
      this.adopt(this.#adapt(connection) as Bytes)
    })
    return this
  }

  protected async unlisten(): Promise<void> {
    await this.#inner?.suspend()
  }

  protected async relisten(): Promise<void> {
    await this.#inner?.resume()
  }
}

let names = 0

function through(adapt: Adapt): Fixture<ByteConnection, Uint8Array> {
  return {
    can: { ...everything, attempts: false },
    records: byteRecords,
    highWaterMark: 64 * 1024,
    /** 8 MiB each way. */
    volume: { count: 256, size: 32 * 1024 },
    transport() {
      const name = `adapted-${++names}`
      return {
        listen: (accept) => new AdaptedListener(name, adapt, accept).listen(),
        connect: async (options) => adapt(await connectBytes(name, options)),
      }
    },
  }
}

const webStreams = through((connection) => fromWeb(toWeb(connection), connection))
describeConnection('web streams', webStreams)
describeListener('web streams', webStreams)

const nodeStreams = through((connection) => fromDuplex(toDuplex(connection), connection))
describeConnection('node streams', nodeStreams)
describeListener('node streams', nodeStreams)
