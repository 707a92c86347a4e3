import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'

import { generate } from 'selfsigned'
import { describe, expect, test } from 'vitest'

import { Client, startBridge } from '../bridge/program.ts'
import { deserted, dnsQuestion, serveDns, serveLines, useServices } from '../bridge/services.ts'
import { certificateOf } from '../serve/program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
useServices()

const inside = (name: string): string => join(folder.path, name)

/** Says something over a socket, and waits for everything that it brings. */
async function converse(socket: Socket): Promise<string> {
  socket.write('ahoy\nbye\n')
  return text(socket)
}

const conversation = 'Welcome\nAHOY\nFarewell\n'

describe('DNS', () => {
  test('is asked by a WebSocket, a datagram for each message', async () => {
    const { port } = await serveDns('ahoy.example', '192.0.2.7')
    const { url } = await startBridge(':0', `udp://127.0.0.1:${port}`)
    const client = await Client.open(url)
    for (const id of [1, 2]) client.socket.send(dnsQuestion(id, 'ahoy.example'))
    client.socket.send(dnsQuestion(3, 'nobody.example'))
    for (const id of [1, 2]) {
      const answer = await client.message()
      expect(answer.readUInt16BE(0)).toBe(id)
      expect([...answer.subarray(-4)]).toEqual([192, 0, 2, 7])
    }
    expect((await client.message()).readUInt16BE(2) & 15).toBe(3)
    await client.close()
  })

  test('goes through a WebSocket, and its clients notice nothing', async () => {
    const { port } = await serveDns('ahoy.example', '192.0.2.7')
    const far = await startBridge(':0', `udp://127.0.0.1:${port}`)
    const near = await startBridge('udp://:0', far.url)
    const resolver = new Resolver({ timeout: 5_000, tries: 2 })
    resolver.setServers([`127.0.0.1:${near.port}`])
    expect(await resolver.resolve4('ahoy.example')).toEqual(['192.0.2.7'])
    await expect(resolver.resolve4('nobody.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    near.program.signal('SIGINT')
    expect(await near.program.ended).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('programs that speak', () => {
  test('TCP reach a WebSocket', async () => {
    const { port } = await serveLines()
    const far = await startBridge(':0', `tcp://127.0.0.1:${port}`)
    const near = await startBridge('tcp://:0', far.url)
    expect(near.url).toBe(`tcp://127.0.0.1:${near.port}`)
    expect(await converse(connect(near.port, '127.0.0.1'))).toBe(conversation)
    await near.program.prints(/ {2}9 B there, 22 B back .* the target ended it$/m)
  })

  test('over a Unix socket reach one, too, and Unix sockets are reached', async () => {
    const { port } = await serveLines()
    const last = await startBridge(':0', `tcp://127.0.0.1:${port}`)
    const middle = await startBridge(`unix:${inside('a socket')}`, last.url)
    expect(middle.url).toBe(`unix:${inside('a')}`) // as far as the expression sees it
    const first = await startBridge(':0', `unix:${inside('a socket')}`)
    const client = await Client.open(first.url)
    client.socket.send('ahoy\nbye\n')
    await client.hears(conversation)
    await client.closed
  })

  test('TCP are reset where nobody answers', async () => {
    const nobody = await deserted()
    const near = await startBridge('tcp://:0', `ws://127.0.0.1:${nobody}`)
    const socket = connect(near.port, '127.0.0.1')
    await expect(once(socket, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' })
    await near.program.prints(
      new RegExp(`refused: the target cannot be reached: .*:${nobody}.*: connection refused`),
    )
  })
})

describe('TLS', () => {
  test('is spoken with a certificate made on the spot, on both sides', async () => {
    const { port } = await serveLines()
    const far = await startBridge('wss://:0', `tcp://127.0.0.1:${port}`)
    expect(far.url).toMatch(/^wss:/)
    const { pem, fingerprint } = await certificateOf(far.port)
    expect(far.program.stdout.replaceAll(/\s+/g, '')).toContain(
      fingerprint.slice(0, 47) + fingerprint.slice(48),
    )
    await writeFile(inside('far.pem'), pem)

    const near = await startBridge('tls://:0', far.url, '--ca', inside('far.pem'))
    const { pem: ca } = await certificateOf(near.port)
    const socket = connectTls({ port: near.port, host: '127.0.0.1', ca })
    expect(await converse(socket)).toBe(conversation)

    const strict = await startBridge('tcp://:0', far.url)
    const unbelieved = connect(strict.port, '127.0.0.1')
    await expect(once(unbelieved, 'data')).rejects.toMatchObject({ code: 'ECONNRESET' })
    await strict.program.prints(/certificate/)
  })

  test('services are reached over it', async () => {
    const { port } = await serveLines()
    const last = await startBridge(':0', `tcp://127.0.0.1:${port}`)
    const middle = await startBridge('tls://:0', last.url)
    await writeFile(inside('ca.pem'), (await certificateOf(middle.port)).pem)
    const first = await startBridge(':0', `tls://localhost:${middle.port}`, '--ca', inside('ca.pem'))
    const client = await Client.open(first.url)
    client.socket.send('bye\n')
    await client.hears('Welcome\nFarewell\n')
    await client.closed
  })

  test.each(['wss', 'tls'])('over %s, a certificate that changes is read again', async (scheme) => {
    const put = async (): Promise<void> => {
      const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
        keyType: 'ec',
        algorithm: 'sha256',
      })
      await writeFile(inside('key.new'), key)
      await rename(inside('key.new'), inside('key.pem'))
      await writeFile(inside('cert.new'), cert)
      await rename(inside('cert.new'), inside('cert.pem'))
    }
    await put()
    const target = scheme === 'wss' ? 'tcp://127.0.0.1:9' : 'ws://127.0.0.1:9'
    const files = ['--cert', inside('cert.pem'), '--key', inside('key.pem')]
    const { program, port } = await startBridge(`${scheme}://:0`, target, ...files)
    const before = await certificateOf(port)
    await put()
    const [, told] = await program.prints(/The certificate is a new one: (\S+)\n/)
    const after = await certificateOf(port)
    expect(after.fingerprint).toBe(told)
    expect(after.fingerprint).not.toBe(before.fingerprint)
  })
})
