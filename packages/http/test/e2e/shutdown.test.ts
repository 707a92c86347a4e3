import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'

import { Program } from '@fairlead/harness'
import { afterEach, describe, expect, test } from 'vitest'

import { Load } from './load.ts'

afterEach(() => Program.killAll())

/** A server in a process of its own. */
async function serving(options: object = {}): Promise<{ program: Program; port: number }> {
  const program = Program.start(new URL('../programs/serving.mjs', import.meta.url), [
    JSON.stringify({ host: '127.0.0.1', ...options }),
  ])
  const [port] = await program.prints(/^listening on .*:(\d+)$/gm)
  return { program, port: Number(port) }
}

/** Ends well, and has said all that it does on the way. */
async function endsWell(program: Program): Promise<void> {
  await program.ended
  expect({ code: program.child.exitCode, output: program.output }).toEqual({
    code: 0,
    output: expect.stringMatching(/\nclosed\n$/) as string,
  })
}

/** Asks for something that takes a while, and keeps what comes. */
async function ask(port: number, target: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', (error) => (text += String(error)))
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  await once(socket, 'connect')
  socket.write(`GET ${target} HTTP/1.1\r\nHost: example\r\n\r\n`)
  return { socket, text: () => text }
}

describe('SIGTERM', () => {
  test('under load: every client gets what it asked for, and is told to go', async () => {
    const { program, port } = await serving({ idleGrace: 5_000 })
    const load = new Load({ port, host: '127.0.0.1' }, { clients: 12, again: false })
    await load.until(() => load.answers >= 200)
    expect(load.connections).toBe(12)
    program.child.kill('SIGTERM')
    // Each ends when it was told `Connection: close`, and nothing else.
    await load.ended()
    expect(load.failures).toEqual([])
    await endsWell(program)
  })

  test('of which others, too, see nothing but answers (ab)', async () => {
    const { program, port } = await serving()
    const url = `http://127.0.0.1:${port}/`
    const { stdout } = await promisify(execFile)('ab', ['-k', '-q', '-n', '2000', '-c', '16', url])
    expect(stdout).toMatch(/^Complete requests:\s+2000$/m)
    expect(stdout).toMatch(/^Failed requests:\s+0$/m)
    expect(stdout).toMatch(/^Keep-Alive requests:\s+2000$/m)
    program.child.kill('SIGTERM')
    await endsWell(program)
  })

  test('in the middle of an answer: it is finished', async () => {
    const { program, port } = await serving()
    const { socket, text } = await ask(port, '/slow')
    await once(socket, 'data')
    program.child.kill('SIGTERM')
    await once(socket, 'close')
    expect(text()).toContain('9\n')
    expect(text().endsWith('0\r\n\r\n')).toBe(true)
    await endsWell(program)
  })

  test('with an exchange that never ends: it is cut when the grace is over', async () => {
    const { program, port } = await serving({ grace: 100 })
    const { socket, text } = await ask(port, '/never')
    const { socket: other, text: answer } = await ask(port, '/slow')
    await once(other, 'data')
    program.child.kill('SIGTERM')
    await new Promise((resolve) => socket.on('close', resolve))
    expect(text()).not.toContain('HTTP/1.1')
    // Nor does one that would take longer than the grace look whole.
    expect(answer().endsWith('0\r\n\r\n')).toBe(false)
    await endsWell(program)
  })

  test('twice: whoever asks again does not want to wait', async () => {
    const { program, port } = await serving({ grace: 600_000 })
    const { socket } = await ask(port, '/never')
    await once(await ask(port, '/slow').then((it) => it.socket), 'data')
    program.child.kill('SIGTERM')
    await program.prints(/told to end/g)
    expect(program.output).not.toContain('closed')
    program.child.kill('SIGTERM')
    await new Promise((resolve) => socket.on('close', resolve))
    await endsWell(program)
  })
})
