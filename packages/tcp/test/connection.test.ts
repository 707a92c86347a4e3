import { BrokenError, ClosedError, lines } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { meet, textOf } from './harness.ts'

describe('a TCP connection', () => {
  test('half-closes: what comes after its end is still heard', async () => {
    const { listener, client, server } = await meet()
    client.write('question')
    client.end()
    expect(() => client.write('more')).toThrow(ClosedError)
    expect(await textOf(server)).toBe('question')
    server.write('answer')
    server.end()
    expect(await textOf(client)).toBe('answer')
    expect(await client.closed).toEqual({ kind: 'local' })
    expect(await server.closed).toEqual({ kind: 'remote' })
    await listener.close()
  })

  test('is broken by a reset, and says so once to everybody', async () => {
    const { listener, client, server } = await meet()
    const reading = textOf(client)
    server.destroy()
    await expect(reading).rejects.toBeInstanceOf(BrokenError)
    expect(await client.closed).toMatchObject({ kind: 'error', error: { cause: { code: 'ECONNRESET' } } })
    await expect(client.send('x')).rejects.toBeInstanceOf(BrokenError)
    expect(() => client.write('x')).toThrow(/Cannot write: .*reset by peer/)
    expect(await server.closed).toEqual({ kind: 'local' })
    await listener.close()
  })

  test('a destroyed one does not look whole, a closed one does', async () => {
    const first = await meet()
    first.server.write('all of it')
    void first.server.close()
    expect(await textOf(first.client)).toBe('all of it')
    await first.client.close()
    await first.listener.close()

    const second = await meet()
    second.server.write('all of it')
    for await (const chunk of second.client) {
      expect(Buffer.from(chunk).toString()).toBe('all of it')
      break
    }
    second.server.destroy()
    await expect(textOf(second.client)).rejects.toThrow(/reset/)
    await second.listener.close()
  })

  test('close waits for the peer, and not for ever', async () => {
    const { listener, client, server } = await meet()
    await client.close({ grace: 20 })
    expect(await client.closed).toEqual({ kind: 'timeout', phase: 'close' })
    server.destroy()
    await listener.close()
  })

  test('close discards what still comes', async () => {
    const { listener, client, server } = await meet()
    const closing = client.close()
    server.write('x'.repeat(1024 * 1024))
    server.end()
    await closing
    expect(await client.closed).toEqual({ kind: 'local' })
    await textOf(server)
    await listener.close()
  })

  test('writes latin1 as one byte a character', async () => {
    const { listener, client, server } = await meet()
    client.write('\u00e9', 'latin1')
    client.write('\u00e9')
    client.end()
    const chunks: Uint8Array[] = []
    for await (const chunk of server) chunks.push(chunk)
    expect(Buffer.concat(chunks)).toEqual(Buffer.from([0xe9, 0xc3, 0xa9]))
    await server.close()
    await listener.close()
  })

  test('gathers what is written while corked', async () => {
    const { listener, client, server } = await meet()
    client.cork()
    for (const letter of 'together') client.write(letter)
    expect(client.buffered).toBe(8)
    client.uncork()
    for await (const chunk of server) {
      expect(Buffer.from(chunk).toString()).toBe('together')
      break
    }
    client.destroy()
    await listener.close({ grace: 0 })
  })

  test('after its own end it hears all that the peer has to say, however slowly it reads', async () => {
    const { listener, client, server } = await meet()
    const replies = lines(client)
    await replies.send('query')
    client.end()
    for (let line = 0; line < 10; line++) server.write(`${line}\n`)
    server.end()
    const heard: string[] = []
    for await (const line of replies) {
      heard.push(line)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(heard).toEqual(Array.from({ length: 10 }, (_, line) => String(line)))
    await listener.close()
  })

  test('a send that waits for room is done when everything has left, the end included', async () => {
    const { listener, client, server } = await meet()
    const sent = client.send(Buffer.alloc(8 * 1024 * 1024))
    client.end()
    let size = 0
    for await (const chunk of server) size += chunk.byteLength
    await sent
    expect(size).toBe(8 * 1024 * 1024)
    expect(client.state).toBe('open')
    await server.close()
    await listener.close()
  })
})
