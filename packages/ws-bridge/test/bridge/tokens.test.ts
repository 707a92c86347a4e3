import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'

import { portOf, until } from '../harness.ts'
import { handshake, Raw } from '../raw.ts'
import { heard, open, page, Target } from './cast.ts'

const loopback = { allow: ['127.0.0.1', 'unix'] as const }
const folders: string[] = []

afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true }))))

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'bridge-tokens-'))
  folders.push(made)
  return made
}

function led(to: websocket.TokenTargets, options: Partial<websocket.BridgeOptions> = {}) {
  return open({ to: { ...loopback, ...to }, ...options })
}

/** What a handshake for a path is answered with. */
async function statusFor(bridge: Parameters<typeof portOf>[0], path: string): Promise<number> {
  const raw = await Raw.connect(portOf(bridge))
  raw.write(handshake(path))
  const { status } = await raw.head()
  raw.connection.destroy()
  return status
}

/** The target that says its name to whoever comes. */
async function named(name: string): Promise<string> {
  const target = await Target.open({ port: 0 })
  const greet = async (): Promise<void> => {
    for (let index = 0; ; index++) (await target.peer(index)).connection.write(name)
  }
  greet().catch(() => {})
  return target.url
}

/** Who answers at the other end. */
async function nameAt(bridge: Parameters<typeof page>[0], path: string): Promise<string> {
  const client = await page(bridge, path)
  const back = heard(client)
  await until(() => back.messages.length > 0)
  client.destroy()
  return back.messages.join('')
}

describe('the token', () => {
  test('stands in the query', async () => {
    const bridge = await led({
      tokens: { one: await named('1'), two: await named('2'), 'a b+c/d': await named('3') },
    })
    expect(await nameAt(bridge, '/?token=one')).toBe('1')
    expect(await nameAt(bridge, '/websockify?x=y&token=two')).toBe('2')
    expect(await nameAt(bridge, `/?token=${encodeURIComponent('a b+c/d')}`)).toBe('3')
    for (const path of ['/', '/?token=', '/?token=three', '/one', '/?token=One', '/?%00=1&token']) {
      expect([path, await statusFor(bridge, path)]).toEqual([path, 404])
    }
    expect(bridge.stats().refused.token).toBe(6)
    expect(bridge.stats().total).toBe(3)
  })

  test('stands in the query of one path', async () => {
    const bridge = await led({ tokens: { one: await named('1') } }, { from: 'ws://127.0.0.1:0/vnc' })
    expect(await nameAt(bridge, '/vnc?token=one')).toBe('1')
    expect(await statusFor(bridge, '/?token=one')).toBe(404)
    expect(await statusFor(bridge, '/vnc/?token=one')).toBe(404)
    expect(bridge.stats().refused.path).toBe(2)
  })

  test('stands in the path', async () => {
    const tokens = { one: await named('1'), 'a b/c': await named('2') }
    const bridge = await led({ tokens, by: 'path' }, { from: 'ws://127.0.0.1:0/vnc' })
    expect(await nameAt(bridge, '/vnc/one')).toBe('1')
    expect(await nameAt(bridge, '/vnc/one?token=two')).toBe('1')
    expect(await nameAt(bridge, '/vnc/a%20b%2Fc')).toBe('2')
    for (const path of [
      '/vnc',
      '/vnc/',
      '/vnc/two',
      '/vnc/one/',
      '/one',
      '/vnc/%ff',
      '/vnc//one',
      '/VNC/one',
    ]) {
      expect([path, await statusFor(bridge, path)]).toEqual([path, 404])
    }
  })

  test('stands in the path of the root', async () => {
    const bridge = await led({ tokens: { one: await named('1') }, by: 'path' })
    expect(await nameAt(bridge, '/one')).toBe('1')
    expect(await statusFor(bridge, '/vnc/one')).toBe(404)
  })

  test.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'prototype',
    '__defineGetter__',
  ])('%s is one like any other', async (token) => {
    const target = await named('it')
    const own = Object.fromEntries([[token, target]]) as Record<string, string>
    Object.defineProperty(own, token, { value: target, enumerable: true })
    for (const tokens of [{}, new Map<string, string>(), () => undefined]) {
      expect(await statusFor(await led({ tokens }), `/?token=${token}`)).toBe(404)
    }
    for (const tokens of [own, new Map([[token, target]])]) {
      expect(await nameAt(await led({ tokens }), `/?token=${token}`)).toBe('it')
    }
  })

  test('may change its target, or end, in a map', async () => {
    const tokens = new Map([['one', await named('1')]])
    const bridge = await led({ tokens })
    expect(await nameAt(bridge, '/?token=one')).toBe('1')
    tokens.set('one', await named('2'))
    expect(await nameAt(bridge, '/?token=one')).toBe('2')
    tokens.delete('one')
    expect(await statusFor(bridge, '/?token=one')).toBe(404)
  })
})

describe('a function', () => {
  test('is given the token and the request', async () => {
    const target = await named('it')
    const asked: unknown[] = []
    const bridge = await led({
      tokens: (token, { method, target: path, headers }) => {
        asked.push([token, method, path, headers.get('host')])
        return Promise.resolve(target)
      },
    })
    expect(await nameAt(bridge, '/a?token=one')).toBe('it')
    expect(await nameAt(bridge, '/b')).toBe('it')
    const host = `127.0.0.1:${portOf(bridge)}`
    expect(asked).toEqual([
      ['one', 'GET', '/a?token=one', host],
      ['', 'GET', '/b', host],
    ])
  })

  test.each<[string, websocket.TokenTargets['tokens']]>([
    [
      'throws',
      () => {
        throw new Error('secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    [
      'throws what is no error',
      () => {
        throw null
      },
    ],
    ['gives what is no text', () => 7 as unknown as string],
    ['gives what is no target', () => 'gopher://localhost:70'],
    ['gives a WebSocket', () => 'ws://localhost:70'],
    ['gives a port that there is not', () => 'localhost:70000'],
  ])('that %s is a 500 that tells nothing', async (_, tokens) => {
    const bridge = await led({ tokens })
    const raw = await Raw.connect(portOf(bridge))
    raw.write(handshake('/?token=x'))
    const { status } = await raw.head()
    await until(() => raw.bytes.length > 0 || raw.closed)
    expect([status, raw.bytes.includes('secret')]).toEqual([500, false])
    expect(bridge.stats()).toMatchObject({ connecting: 0, refused: { failed: 1 } })
  })
})

describe('a file', () => {
  test('is read as websockify reads it, and again when it changes', async () => {
    const path = join(await folder(), 'tokens')
    const [one, two] = await Promise.all([named('1'), named('2')])
    await writeFile(
      path,
      `# comment\n\none: ${one.slice(6)}\r\n  two:\t ${two}  \nno line\n: 1\nx:y: 127.0.0.1:1\n`,
    )
    const bridge = await led({ tokens: path })
    expect(await nameAt(bridge, '/?token=one')).toBe('1')
    expect(await nameAt(bridge, '/?token=two')).toBe('2')
    for (const token of ['# comment', 'comment', 'no line', '', 'one:']) {
      expect(await statusFor(bridge, `/?token=${encodeURIComponent(token)}`)).toBe(404)
    }
    expect(await statusFor(bridge, '/?token=x:y')).toBe(502)
    for (let turn = 0; turn < 5; turn++) {
      // As long as before, and within the same tick of the file system's clock.
      await writeFile(path, `one: ${turn % 2 ? one : two}\n`)
      expect(await nameAt(bridge, '/?token=one')).toBe(turn % 2 ? '1' : '2')
    }
    await writeFile(`${path}.new`, `three: ${one}\n`)
    await rename(`${path}.new`, path)
    expect(await nameAt(bridge, '/?token=three')).toBe('1')
    expect(await statusFor(bridge, '/?token=one')).toBe(404)
    await rm(path)
    expect(await statusFor(bridge, '/?token=three')).toBe(500)
    await writeFile(path, `three: ${two}\n`)
    expect(await nameAt(bridge, '/?token=three')).toBe('2')
  })

  test('leads to Unix sockets', async () => {
    const at = await folder()
    const socket = join(at, 'socket')
    const target = await Target.open({ path: socket })
    await writeFile(join(at, 'tokens'), `one: unix_socket:${socket}\ntwo: unix:${socket}\n`)
    const bridge = await led({ tokens: join(at, 'tokens') })
    for (const [index, token] of ['one', 'two'].entries()) {
      const client = await page(bridge, `/?token=${token}`)
      client.write(Buffer.from(token))
      const peer = await target.peer(index)
      await until(() => peer.text === token)
    }
    const closed = await led({ tokens: join(at, 'tokens'), allow: ['127.0.0.1'] })
    expect(await statusFor(closed, '/?token=one')).toBe(403)
  })

  test('that is none is found out at once', async () => {
    const path = join(await folder(), 'none')
    await expect(led({ tokens: path })).rejects.toThrow('Cannot read tokens: no such file')
  })

  test('is not read beyond its limit', async () => {
    const path = join(await folder(), 'tokens')
    await writeFile(path, Buffer.alloc(4 * 1024 * 1024 + 1))
    await expect(led({ tokens: path })).rejects.toThrow(
      'Cannot read tokens: 4194305 bytes are more than 4194304',
    )
  })
})

describe('a folder', () => {
  test('is all its files, in the order of their names, but the hidden ones', async () => {
    const at = await folder()
    const [one, two] = await Promise.all([named('1'), named('2')])
    await writeFile(join(at, 'a'), `one: ${one}\nboth: ${one}\n`)
    await writeFile(join(at, 'b'), `two: ${two}\nboth: ${two}\n`)
    await writeFile(join(at, '.hidden'), `hidden: ${one}\n`)
    await mkdir(join(at, 'c'))
    await symlink(join(at, 'gone'), join(at, 'd'))
    const bridge = await led({ tokens: at })
    expect(await nameAt(bridge, '/?token=one')).toBe('1')
    expect(await nameAt(bridge, '/?token=two')).toBe('2')
    expect(await nameAt(bridge, '/?token=both')).toBe('2')
    expect(await statusFor(bridge, '/?token=hidden')).toBe(404)
    await writeFile(join(at, 'e'), `five: ${one}\n`)
    await rm(join(at, 'b'))
    expect(await nameAt(bridge, '/?token=five')).toBe('1')
    expect(await nameAt(bridge, '/?token=both')).toBe('1')
    expect(await statusFor(bridge, '/?token=two')).toBe(404)
  })

  test('that changes while many ask is right for each of them', async () => {
    const at = await folder()
    const target = await named('it')
    const bridge = await led({ tokens: at })
    for (let round = 0; round < 5; round++) {
      await writeFile(join(at, `${round}`), `t${round}: ${target}\n`)
      const asked = Array.from({ length: 10 }, () => statusFor(bridge, `/?token=t${round}`))
      expect(await Promise.all(asked)).toEqual(Array.from({ length: 10 }, () => 101))
    }
  })
})

test('what a token chose has to be allowed', async () => {
  const target = await Target.open()
  const port = portOf(target.listener)
  const hosts = [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    `tcp://[::1]:${port}`,
    `tcp://[::ffff:127.0.0.1]:${port}`,
    `::ffff:127.0.0.1:${port}`,
    `udp://127.0.0.1:${port}`,
    `tls://127.0.0.1:${port}`,
    'unix:/run/some.sock',
    'unix_socket:/run/some.sock',
    '10.0.0.1:1',
    '169.254.169.254:80',
    'tcp://[fe80::1%25lo]:1',
  ]
  const bridge = await open({ to: { tokens: (token) => hosts[Number(token)] } })
  for (const [index, host] of hosts.entries()) {
    expect([host, await statusFor(bridge, `/?token=${index}`)]).toEqual([host, 403])
  }
  expect(bridge.stats().refused.policy).toBe(hosts.length)
  expect(target.peers.length).toBe(0)
})

test('numbers that some resolvers take for addresses are no targets', async () => {
  const hosts = ['0177.0.0.1:1', '0x7f.1:1', '127.1:1', '2130706433:1', '127.0.0.1.:1', 'user@127.0.0.1:1']
  const bridge = await open({ to: { tokens: (token) => hosts[Number(token)] } })
  for (const [index, host] of hosts.entries()) {
    expect([host, await statusFor(bridge, `/?token=${index}`)]).toEqual([host, 500])
  }
})

describe('a name', () => {
  test('is resolved once, and what was checked is connected to', async () => {
    const target = await Target.open()
    const answers = ['127.0.0.1', '127.0.0.2']
    let asked = 0
    const allowed: string[] = []
    const bridge = await open({
      to: {
        tokens: () => `rebinding.example:${portOf(target.listener)}`,
        allow: (address) =>
          address.kind === 'ip' && allowed.push(address.host) > 0 && address.host === '127.0.0.1',
      },
      connect: { lookup: () => Promise.resolve([answers[asked++] as string]) },
    })
    expect(await statusFor(bridge, '/?token=x')).toBe(101)
    expect([asked, allowed, target.peers.length]).toEqual([1, ['127.0.0.1'], 1])
    // What the name leads to now is looked at again, and is another.
    expect(await statusFor(bridge, '/?token=x')).toBe(403)
    expect([asked, allowed, target.peers.length]).toEqual([2, ['127.0.0.1', '127.0.0.2'], 1])
  })

  test('of which one address is allowed leads to that one', async () => {
    const target = await Target.open()
    const bridge = await open({
      to: { tokens: () => `two.example:${portOf(target.listener)}`, allow: ['127.0.0.1'] },
      connect: { lookup: () => Promise.resolve(['10.0.0.1', '127.0.0.1', '::1']) },
    })
    expect(await statusFor(bridge, '/?token=x')).toBe(101)
    const [peer] = target.peers
    expect(peer?.connection.remoteAddress).toMatchObject({ host: '127.0.0.1' })
  })

  test('of which none is allowed is 403; if the allowed one does not answer, 502', async () => {
    const gone = await Target.open()
    await gone.listener.close()
    const lookup = () => Promise.resolve(['10.0.0.1', '127.0.0.1'])
    const tokens = () => `two.example:${portOf(gone.listener)}`
    expect(await statusFor(await open({ to: { tokens }, connect: { lookup } }), '/')).toBe(403)
    const some = await open({ to: { tokens, allow: ['127.0.0.1'] }, connect: { lookup } })
    expect(await statusFor(some, '/')).toBe(502)
  })

  test('of datagrams is checked as well', async () => {
    const lookup = () => Promise.resolve(['127.0.0.1'])
    const tokens = () => 'name.example:7'
    const closed = await open({ to: { tokens: () => `udp://${tokens()}` }, connect: { lookup } })
    expect(await statusFor(closed, '/')).toBe(403)
    const opened = await open({
      to: { tokens: () => `udp://${tokens()}`, allow: ['127.0.0.1'] },
      connect: { lookup },
    })
    expect(await statusFor(opened, '/')).toBe(101)
  })
})

test('a policy that throws forbids', async () => {
  const target = await Target.open()
  const allow = () => {
    throw new Error('oh')
  }
  const bridge = await open({
    to: { tokens: { one: target.url, two: target.url.replace('tcp', 'udp') }, allow },
  })
  expect(await statusFor(bridge, '/?token=one')).toBe(403)
  expect(await statusFor(bridge, '/?token=two')).toBe(403)
  expect(target.peers.length).toBe(0)
})

test('a target that stands in the options is connected to wherever it is', async () => {
  const target = await Target.open()
  const bridge = await open({ to: target.url })
  const client = await websocket.connect(`ws://127.0.0.1:${portOf(bridge)}/any?token=nonsense`)
  expect((await target.peer()).connection.state).toBe('open')
  client.destroy()
})
