import { type ByteConnection, type CloseReason, SocketError } from '@fairlead/core'
import { Framed, type Framing, type MessageDecoder } from '@fairlead/core/transport'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { portOf } from '../harness.ts'
import { a } from '../tls/certificates.ts'
import { dial, serve } from '../tls/harness.ts'
import { echo, echoed, ways } from './harness.ts'

/** What must not be looked at: Node does, and so does whoever writes a message. */
const trap = new Proxy(new Error('trap'), {
  get(target, name) {
    if (name === 'message' || name === 'code') throw new Error('spite')
    return Reflect.get(target, name) as unknown
  },
})
const nothing: unknown = Object.create(null)

const faults: [string, () => never | Promise<never>][] = [
  ['throws what cannot be shown', () => raise(nothing)],
  ['throws what throws when it is looked at', () => raise(trap)],
  ['rejects with what cannot be shown', () => Promise.reject(nothing)],
  ['rejects with what throws when it is looked at', () => Promise.reject(trap)],
]

function raise(thrown: unknown): never {
  throw thrown
}

describe.each(faults)('2 a callback that %s costs its connection only', (_, fault) => {
  test('lookup', async () => {
    const connecting = tcp.connect({ host: 'a.example', port: 1, lookup: fault })
    await expect(connecting).rejects.toMatchObject({ name: 'ConnectError', phase: 'dns' })
  })

  test('the prelude of a connect', async () => {
    await using listener = await tcp.listen({ port: 0 }, echo)
    const port = portOf(listener)
    const connecting = tcp.connect({ port, prelude: fault })
    await expect(connecting).rejects.toMatchObject({ name: 'ConnectError', phase: 'handshake' })
    await using client = await tcp.connect({ port })
    expect(await echoed(client, 'ahoy')).toBe('ahoy')
  })

  test('the prelude of a listener', async () => {
    let bad = true
    const prelude = async () => (bad ? fault() : undefined)
    await using listener = await tcp.listen({ port: 0, prelude }, echo)
    const port = portOf(listener)
    // The reset may be faster than the news of the connection.
    const victim = await tcp.connect({ port }).catch(() => undefined)
    victim?.handle({ onData() {} })
    await victim?.closed
    await expect.poll(() => listener.stats()).toMatchObject({ pending: 0, refused: { prelude: 1 } })
    bad = false
    await using client = await tcp.connect({ port })
    expect(await echoed(client, 'ahoy')).toBe('ahoy')
  })

  test('select', async () => {
    const { listener, port } = await serve({ select: fault })
    await expect(dial(port, { serverName: 'c.example' })).rejects.toThrow(SocketError)
    await expect.poll(() => listener.stats()).toMatchObject({ pending: 0, refused: { handshake: 1 } })
    await expect(dial(port, { serverName: 'c.example' })).rejects.toThrow(SocketError)
    await listener.close()
  })

  test('checkServerIdentity', async () => {
    const { listener, port } = await serve()
    const checkServerIdentity = fault as unknown as () => undefined
    await expect(dial(port, { checkServerIdentity })).rejects.toMatchObject({
      name: 'ConnectError',
      phase: 'tls',
    })
    await using client = await dial(port)
    expect(client.tls?.authorized).toBe(true)
    await listener.close({ grace: 0 })
  })
})

/** One message for each chunk. */
class Chunks implements MessageDecoder<Uint8Array> {
  chunks: Uint8Array[] = []

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk)
  }

  next(): Uint8Array | undefined {
    return this.chunks.shift()
  }

  end(): undefined {}

  rest(): Uint8Array {
    return Buffer.concat(this.chunks)
  }
}

describe.each(ways)('2 a framing of one’s own over $way', ({ listening, connecting }) => {
  const decoders: [string, () => MessageDecoder<Uint8Array>][] = [
    ['push', () => Object.assign(new Chunks(), { push: () => raise(nothing) })],
    ['next', () => Object.assign(new Chunks(), { next: () => raise(trap) })],
    ['end', () => Object.assign(new Chunks(), { end: () => raise(new Error('no end')) })],
    ['the decoder itself', () => raise(new Error('no decoder'))],
  ]

  test.each(decoders)('whose %s throws costs its connection only', async (what, decoder) => {
    let count = 0
    const framing: Framing<Uint8Array> = {
      encode: (message) => message,
      decoder: () => (count++ === 1 ? decoder() : new Chunks()),
    }
    const ends: Promise<CloseReason>[] = []
    await using listener = await tcp.listen({ port: 0, ...listening }, (connection) => {
      ends.push(connection.closed)
      const framed = new Framed(connection, framing)
      framed.handle({ onData: (message) => void framed.write(message) })
    })
    const where = { port: portOf(listener), ...connecting }
    await using other = await tcp.connect(where)
    expect(await echoed(other, 'before')).toBe('before')
    // A reset may be faster than the news of the connection.
    const victim = await tcp.connect(where).catch(() => undefined)
    victim?.handle({ onData() {}, onEnd() {} })
    if (victim?.state === 'open') victim.write('hello')
    if (what === 'end') victim?.end()
    await expect.poll(() => ends.length).toBe(2)
    expect(await ends[1]).toMatchObject({ kind: 'error', error: expect.any(SocketError) as SocketError })
    expect(await echoed(other, 'and behind')).toBe('and behind')
    await listener.close({ grace: 0 })
  })

  test('whose encode throws costs that message only', async () => {
    const framing: Framing<Uint8Array> = {
      encode: (message) => (message.byteLength === 0 ? raise(nothing) : message),
      decoder: () => new Chunks(),
    }
    await using listener = await tcp.listen({ port: 0, ...listening }, echo)
    const connection: ByteConnection = await tcp.connect({ port: portOf(listener), ...connecting })
    const framed = new Framed(connection, framing)
    await expect(framed.send(new Uint8Array(0))).rejects.toBe(nothing)
    await framed.send(Buffer.from('ahoy'))
    for await (const message of framed) {
      expect(Buffer.from(message).toString()).toBe('ahoy')
      break
    }
    await listener.close({ grace: 0 })
  })
})

describe('2 a select', () => {
  test('that answers when its peer is gone changes nothing', async () => {
    let answer!: (identity: tcp.TlsIdentity) => void
    const identity = new Promise<tcp.TlsIdentity>((resolve) => (answer = resolve))
    let asked = false
    const select = async (name: string) => {
      if (name === 'd.example') return a
      asked = true
      return identity
    }
    const { listener, port } = await serve({ select })
    const cancel = new AbortController()
    const attempt = dial(port, { serverName: 'c.example' }, { signal: cancel.signal })
    await expect.poll(() => asked).toBe(true)
    cancel.abort(new Error('enough'))
    await expect(attempt).rejects.toThrow('enough')
    await expect.poll(() => listener.stats().pending).toBe(0)
    answer(a)
    await using client = await dial(port, { serverName: 'd.example', verify: false })
    expect(client.state).toBe('open')
    await listener.close({ grace: 0 })
  })

  test('whose promise of its own answers twice costs that connection at most', async () => {
    const answers = {
      // oxlint-disable-next-line unicorn/no-thenable
      then(resolve: (identity: tcp.TlsIdentity) => void, reject: (error: unknown) => void) {
        resolve(a)
        resolve(a)
        reject(new Error('after all'))
      },
    }
    const select = (name: string) => (name === 'c.example' ? (answers as never) : undefined)
    const { listener, port } = await serve({ select })
    const attempt = dial(port, { serverName: 'c.example', verify: false })
    await attempt.then(
      (client) => client.destroy(),
      (error: unknown) => expect(error).toBeInstanceOf(SocketError),
    )
    await using client = await dial(port)
    expect(client.tls?.authorized).toBe(true)
    await listener.close({ grace: 0 })
  })
})
