import { outcome, Program } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { afterEach, describe, expect, test } from 'vitest'

import { portOf } from '../harness.ts'
import { a, ca } from '../tls/certificates.ts'

afterEach(() => Program.killAll())

/** Whether a program that connects so, calls these and has nothing more to do ends by itself. */
async function ends(options: object, ...calls: readonly string[]): Promise<boolean> {
  const program = new URL('../programs/reference.mjs', import.meta.url)
  const { ended, state } = await outcome<{ ended: boolean; state: string }>(program, [
    JSON.stringify(options),
    ...calls,
  ])
  expect(state).toBe('open')
  return ended
}

const tls = { ca, serverName: 'a.example' }

describe.each<[string, Partial<tcp.ListenOptions>, object]>([
  ['tcp', {}, {}],
  ['tls', { tls: a }, { tls }],
  ['startTls', {}, { startTls: tls }],
])('a program with an open connection over %s', (way, listening, connecting) => {
  async function serve(onData: (chunk: Uint8Array) => void) {
    let gone!: () => void
    const closed = new Promise<void>((resolve) => (gone = resolve))
    const reader = { onData, onClose: gone }
    const listener = await tcp.listen({ port: 0, ...listening }, (connection) => {
      if (way !== 'startTls') return reader
      return {
        async onData(chunk) {
          // The hello may have come with the command.
          await tcp.startTls(connection, a, { head: chunk.subarray('STARTTLS\r\n'.length) })
          connection.handle(reader)
        },
      }
    })
    return {
      options: { port: portOf(listener), ...connecting },
      closed,
      [Symbol.asyncDispose]: () => listener.close({ grace: 0 }),
    }
  }

  test('does not end', async () => {
    await using server = await serve(() => {})
    expect(await ends(server.options)).toBe(false)
  })

  test('ends when it calls unref', async () => {
    await using server = await serve(() => {})
    expect(await ends(server.options, 'unref')).toBe(true)
  })

  test('ends when it calls unref, and what was written has left by then', async () => {
    const output = 16 * 1024 * 1024
    let length = 0
    await using server = await serve((chunk) => void (length += chunk.byteLength))
    expect(await ends({ ...server.options, output }, 'unref')).toBe(true)
    await server.closed
    expect(length).toBe(output)
  })
})
