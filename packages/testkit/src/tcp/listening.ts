import assert from 'node:assert/strict'
import { existsSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import process from 'node:process'

import { ListenError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import { feature, type Feature } from '../check.ts'
import { freshPath } from '../fixtures/unix.ts'
import { failureOf, until } from '../wait.ts'
import { converse, dial, open, portOf } from './meeting.ts'

/** The file of a socket on which nobody listens any more. */
async function stalePath(): Promise<string> {
  const [path, bound] = [freshPath(), freshPath()]
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(bound, resolve))
  // Whoever closes unlinks what it has bound.
  renameSync(bound, path)
  await new Promise((resolve) => server.close(resolve))
  return path
}

export const listeningFeatures: readonly Feature[] = [
  feature('the file of a Unix socket that nobody listens on is replaced', async (broom) => {
    const path = await stalePath()
    assert.ok(statSync(path).isSocket())
    const accepted: tcp.StreamConnection[] = []
    const listener = broom.keep(await tcp.listen({ path }, (connection) => void accepted.push(connection)))
    const client = await dial(broom, { path })
    await until(() => accepted.length === 1, 'it is accepted')
    await converse(client, accepted[0] as tcp.StreamConnection)
    await listener.close({ grace: 0 })
    assert.equal(existsSync(path), false)
  }),

  feature('a file that is no socket is left alone', async () => {
    const path = freshPath()
    writeFileSync(path, 'precious')
    const error = await failureOf(tcp.listen({ path }), 'the path')
    assert.ok(error instanceof ListenError, String(error))
    assert.ok(statSync(path).isFile())
    unlinkSync(path)
  }),

  feature('the file of a Unix socket has the permissions that it is to have', async (broom) => {
    const path = freshPath()
    broom.keep(await tcp.listen({ path, mode: 0o600 }))
    assert.equal(statSync(path).mode & 0o777, 0o600)
  }),

  feature('a name in Linux’ own space needs no file; elsewhere it is refused', async (broom) => {
    const path = `\0fairlead-${process.pid}-${Math.random()}`
    const options = { path }
    if (process.platform !== 'linux') return assert.rejects(tcp.listen(options), TypeError)
    const accepted: tcp.StreamConnection[] = []
    broom.keep(await tcp.listen(options, (connection) => void accepted.push(connection)))
    const client = await dial(broom, options)
    await until(() => accepted.length === 1, 'it is accepted')
    await converse(client, accepted[0] as tcp.StreamConnection)
  }),

  feature('two listeners share a port when both say so, or the option is refused', async (broom) => {
    let first: tcp.StreamListener
    try {
      first = broom.keep(await tcp.listen({ reusePort: true }))
    } catch (error) {
      assert.ok(error instanceof TypeError, String(error))
      assert.match(error.message, /^Invalid option reusePort: /)
      return
    }
    const port = portOf(first)
    const second = broom.keep(await tcp.listen({ port, reusePort: true }))
    assert.equal(portOf(second), port)
    assert.ok((await failureOf(tcp.listen({ port }), 'a third')) instanceof ListenError)
  }),

  feature('a descriptor that is no socket that can listen is refused', async () => {
    const error = await failureOf(tcp.listen({ fd: 99_999 }), 'the descriptor')
    assert.ok(error instanceof ListenError, String(error))
    assert.match(error.message, /^Cannot listen on descriptor 99999: /)
  }),
]

/** What becomes of a listening socket of loopback that this process was started with. */
export function inheritedFeatures(fd: number): readonly Feature[] {
  return [
    feature(
      'an inherited socket is listened on, and cannot be had again when it was closed',
      async (broom) => {
        const { listener, accepted, port } = await open(broom, { fd })
        const client = await dial(broom, { port })
        await until(() => accepted.length === 1, 'it is accepted')
        await converse(client, accepted[0] as tcp.StreamConnection)
        await listener.suspend()
        assert.ok((await failureOf(listener.resume(), 'resuming')) instanceof ListenError)
      },
    ),
  ]
}
