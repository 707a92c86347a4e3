import { readdirSync } from 'node:fs'

import { shutdown } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import type { UdpProxyOptions } from '@fairlead/ws-bridge/connect-udp'
import { describe, expect, test } from 'vitest'

import { placeOf } from '../../src/connect-udp/place.ts'
import {
  capsule,
  capsules,
  cleansUp,
  later,
  pathTo,
  proxied,
  quiet,
  Raw,
  request,
  Target,
  through,
  until,
} from './tools.ts'

cleansUp()

describe('a client that resets', () => {
  const never = (): Promise<never> => new Promise(() => {})

  test.each<[string, UdpProxyOptions, (raw: Raw, port: number) => void | Promise<void>]>([
    ['before it says anything', {}, () => {}],
    ['in the middle of its request', {}, (raw, port) => raw.write(request(pathTo(port)).slice(0, 60))],
    ['while it is authorized', { authorize: never }, (raw, port) => raw.write(request(pathTo(port)))],
    ['while its target is resolved', { lookup: never }, (raw) => raw.write(request(pathTo(53, 'a.example')))],
    ['right behind its request', {}, (raw, port) => raw.write(request(pathTo(port)), capsules('a'))],
    [
      'in the middle of a capsule',
      {},
      async (raw, port) => {
        raw.write(request(pathTo(port)))
        await raw.head()
        raw.write(Buffer.from('00050061', 'hex'))
      },
    ],
    [
      'in the middle of a flood',
      {},
      async (raw, port) => {
        raw.write(request(pathTo(port)))
        await raw.head()
        raw.write(Buffer.concat(Array.from({ length: 2_000 }, () => capsules('flood'))))
        await raw.payloads(1)
      },
    ],
    [
      'while its tunnel closes',
      {},
      async (raw, port) => {
        raw.write(request(pathTo(port)))
        await raw.head()
        raw.connection.end()
      },
    ],
  ])('%s leaves nothing behind', async (_, options, begin) => {
    const target = await Target.open()
    const { server, proxy, port, errors } = await proxied({ maxTunnels: 1, ...options })
    const raw = await Raw.connect(port)
    await begin(raw, target.port)
    await quiet()
    raw.connection.destroy()
    await until(() => server.connections.size === 0 && proxy.stats().tunnels === 0)
    // Its place is free.
    if (!options.authorize) {
      const next = await Raw.open(port, target, capsules('still here'))
      expect((await next.payloads(1)).at(0)).toBe('still here')
    }
    expect(errors).toEqual([])
  })

  test('is one of 90 at once, and no descriptor is left', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length
    const target = await Target.open(() => undefined)
    const { server, proxy, port } = await proxied({ maxTunnelsPerAddress: 1_000 })
    await quiet()
    const before = descriptors()
    const raws = await Promise.all(Array.from({ length: 90 }, () => Raw.open(port, target, capsules('a'))))
    expect(proxy.stats().tunnels).toBe(90)
    expect(descriptors()).toBeGreaterThanOrEqual(before + 270)
    for (const [index, raw] of raws.entries()) {
      if (index % 3 === 0) raw.connection.end()
      else if (index % 3 === 1) raw.write(Buffer.from('0000', 'hex'))
      else raw.connection.destroy()
    }
    await until(() => proxy.stats().tunnels === 0 && server.connections.size === 0)
    await until(() => descriptors() <= before)
    expect(proxy.stats()).toMatchObject({ accepted: 90, ends: { client: 60, protocol: 30 } })
  })
})

describe('silence', () => {
  const clock = useManualClock()

  test('ends a tunnel after the idle time, in good order', async () => {
    const target = await Target.open()
    const { port, proxy } = await proxied()
    const raw = await Raw.open(port, target)
    clock.advance(299_000)
    await quiet()
    expect(proxy.stats().tunnels).toBe(1)
    clock.advance(2_000)
    await until(() => raw.reason !== undefined)
    expect([raw.ended, raw.reason]).toEqual([true, 'remote'])
    await until(() => proxy.stats().tunnels === 0)
    expect(proxy.stats().ends.idle).toBe(1)
  })

  test('is broken by a datagram, from either side', async () => {
    const target = await Target.open(() => undefined)
    const { port, proxy } = await proxied({ idleTimeout: 10_000 })
    const raw = await Raw.open(port, target)
    raw.write(capsules('here I am'))
    await until(() => target.heard.length === 1)
    for (const from of ['client', 'target', 'client'] as const) {
      clock.advance(9_000)
      const { forward, backward } = proxy.stats()
      if (from === 'client') raw.write(capsules('a'))
      else target.say('b')
      await until(() => proxy.stats().forward + proxy.stats().backward > forward + backward)
    }
    clock.advance(9_000)
    await quiet()
    expect(proxy.stats().tunnels).toBe(1)
    clock.advance(2_000)
    await until(() => proxy.stats().tunnels === 0)
  })

  test('is not broken by what is no datagram: bytes of one, unknown capsules, too large ones', async () => {
    const target = await Target.open()
    const { port, proxy } = await proxied({ idleTimeout: 10_000 })
    const raw = await Raw.open(port, target)
    for (let round = 0; round < 3; round++) {
      clock.advance(3_000)
      raw.write(capsule(0x17, round), capsule(0, 2), capsules(Buffer.alloc(2_000)))
      await until(() => proxy.stats().ignored === 2 * (round + 1))
    }
    raw.write(capsules(Buffer.alloc(200)).subarray(0, 100))
    await quiet()
    clock.advance(2_000)
    await until(() => raw.reason !== undefined)
    expect(proxy.stats()).toMatchObject({ oversized: 3, forward: 0, ends: { idle: 1 } })
  })

  test('has no end where that is asked for', async () => {
    const target = await Target.open()
    const { port, proxy } = await proxied({ idleTimeout: Infinity })
    const raw = await Raw.open(port, target)
    clock.advance(10_000_000)
    raw.write(capsules('still here'))
    expect(await raw.payloads(1)).toEqual(['still here'])
    expect(proxy.stats().tunnels).toBe(1)
  })

  test('or not, a tunnel ends after the total time', async () => {
    const target = await Target.open()
    const { port, proxy } = await proxied({ idleTimeout: 10_000, totalTimeout: 20_000 })
    const raw = await Raw.open(port, target)
    for (let round = 0; round < 2; round++) {
      clock.advance(9_000)
      raw.write(capsules('a'))
      await raw.payloads(1)
    }
    clock.advance(3_000)
    await until(() => proxy.stats().tunnels === 0)
    expect(proxy.stats().ends.total).toBe(1)
  })

  test('of a client that does not read is the end of it, once nothing leaves', async () => {
    const target = await Target.open(() => undefined)
    const { port, proxy } = await proxied({ idleTimeout: Infinity })
    const raw = await Raw.open(port, target, capsules('here I am'))
    await until(() => target.heard.length === 1)
    raw.connection.pause()
    while (proxy.stats().dropped === 0) {
      target.say(...Array.from({ length: 50 }, () => Buffer.alloc(1_400)))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await quiet()
    // TCP's own limit for writing, of the HTTP listener.
    for (let round = 0; round < 3; round++) {
      clock.advance(60_000)
      await quiet()
    }
    await until(() => proxy.stats().tunnels === 0)
    expect(proxy.stats().ends.client).toBe(1)
  })
})

describe('an authorization that never settles', () => {
  const clock = useManualClock()

  test('is a 503 after its time, and its place is free', async () => {
    let asked = 0
    const authorize = (): Promise<never> => {
      asked++
      return new Promise(() => {})
    }
    const { port, proxy, errors } = await proxied({ authorize, maxTunnels: 1 })
    for (const count of [1, 2]) {
      const raw = await Raw.connect(port)
      raw.write(request(pathTo(9_999)))
      await until(() => asked === count)
      clock.advance(9_000)
      await quiet()
      expect(raw.bytes).toHaveLength(0)
      clock.advance(2_000)
      expect((await raw.head()).status).toBe(503)
    }
    expect(proxy.stats().refusals.unauthorized).toBe(2)
    expect(errors).toEqual([])
  })
})

describe('an HTTP server that waits no longer', () => {
  const clock = useManualClock()

  test('answers for itself, and is not answered over', async () => {
    const authorize = (): Promise<never> => new Promise(() => {})
    const { port, proxy, errors } = await proxied({ authorize }, { handlerTimeout: 5_000 })
    const raw = await Raw.connect(port)
    raw.write(request(pathTo(9_999)))
    await quiet()
    clock.advance(6_000)
    expect((await raw.head()).status).toBe(503)
    await quiet()
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ phase: 'handler' })
    expect(Object.values(proxy.stats().refusals).every((count) => count === 0)).toBe(true)
  })
})

describe('closing', () => {
  test('of the proxy ends each tunnel politely, and leaves the server alone', async () => {
    const target = await Target.open()
    const { server, proxy, port, url } = await proxied()
    const client = await through(url, target)
    client.handle({ onData() {} })
    const raw = await Raw.open(port, target)
    await proxy.close()
    expect(await client.closed).toEqual({ kind: 'remote' })
    expect([raw.ended, raw.reason]).toEqual([true, 'remote'])
    expect(await proxy.closed).toEqual({ kind: 'local' })
    expect(proxy.stats()).toMatchObject({ tunnels: 0, ends: { local: 2 } })
    expect(server.state).toBe('open')
    await Promise.all([proxy.close(), proxy[Symbol.asyncDispose]()])
    proxy.destroy(new Error('too late'))
    expect(await proxy.closed).toEqual({ kind: 'local' })
  })

  test('of the server ends each tunnel, and the proxy', async () => {
    const target = await Target.open()
    const { server, proxy, port } = await proxied()
    const raw = await Raw.open(port, target)
    await server.close({ grace: 1_000 })
    await until(() => raw.reason !== undefined)
    expect([raw.ended, raw.reason]).toEqual([true, 'remote'])
    expect(await proxy.closed).toEqual({ kind: 'local' })
    expect(proxy.state).toBe('closed')
  })

  test('of all within one grace is core’s own', async () => {
    const target = await Target.open()
    const { server, proxy, port } = await proxied()
    const raw = await Raw.open(port, target)
    await shutdown([server, proxy], { grace: 1_000 })
    expect([server.state, proxy.state]).toEqual(['closed', 'closed'])
    await until(() => raw.reason !== undefined)
  })

  test('cuts clients that never end when its grace is over', async () => {
    const target = await Target.open()
    const { proxy, port } = await proxied()
    const raw = await Raw.connect(port)
    // Nobody answers the end.
    raw.connection.handle({
      onData: (chunk) => void (raw.bytes = Buffer.concat([raw.bytes, chunk])),
      onEnd() {},
    })
    raw.write(request(pathTo(target.port)))
    expect((await raw.head()).status).toBe(101)
    const slow = proxy.close({ grace: 60_000 })
    await until(() => proxy.state === 'closing')
    const cut = proxy.close({ grace: 20 })
    void proxy.close({ grace: 60_000 })
    await Promise.all([cut, slow])
    expect(proxy.stats().tunnels).toBe(0)
  })

  test('may be waited for as long as one likes', async () => {
    const target = await Target.open()
    const { proxy, port } = await proxied()
    const raw = await Raw.connect(port)
    raw.connection.handle({
      onData: (chunk) => void (raw.bytes = Buffer.concat([raw.bytes, chunk])),
      onEnd() {},
    })
    raw.write(request(pathTo(target.port)))
    await raw.head()
    const reason = new Error('enough')
    await expect(proxy.close({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(proxy.state).toBe('closing')
    proxy.destroy()
    expect(await proxy.closed).toEqual({ kind: 'local' })
  })

  test('by force resets clients, and has the error as its reason', async () => {
    const target = await Target.open()
    const { proxy, port } = await proxied()
    const raw = await Raw.open(port, target)
    proxy.destroy(new Error('out of order'))
    await until(() => raw.reason !== undefined)
    expect(raw.reason).toBe('error')
    expect(await proxy.closed).toMatchObject({
      kind: 'error',
      error: { message: 'Proxy destroyed: out of order' },
    })
  })

  test('of the connection by its listener’s owner closes the target’s socket, too', async () => {
    const target = await Target.open()
    const { server, proxy, port } = await proxied()
    const raw = await Raw.open(port, target)
    for (const connection of server.connections) void connection.close()
    await until(() => raw.reason !== undefined && proxy.stats().tunnels === 0)
    expect(proxy.stats().ends.local).toBe(1)
  })

  test('of a client hands over what it had sent', async () => {
    const target = await Target.open(() => undefined)
    const { url, proxy } = await proxied()
    const client = await through(url, target)
    for (let count = 0; count < 100; count++) client.write(Buffer.from(`${count}`))
    await client.close()
    await until(() => target.heard.length === 100)
    await until(() => proxy.stats().tunnels === 0)
    expect(proxy.stats().ends.client).toBe(1)
  })
})

describe('a client that is aborted', () => {
  test('while it waits for the proxy costs the proxy nothing', async () => {
    let resolving = 0
    const lookup = (): Promise<string[]> => {
      resolving++
      return new Promise(() => {})
    }
    const { url, server, proxy } = await proxied({ lookup, maxTunnels: 1 })
    const controller = new AbortController()
    const attempt = through(url, { port: 53 }, { host: 'a.example', signal: controller.signal })
    await until(() => resolving === 1)
    controller.abort(new Error('changed my mind'))
    await expect(attempt).rejects.toThrow('changed my mind')
    await until(() => server.connections.size === 0)
    expect(proxy.stats()).toMatchObject({ tunnels: 0, accepted: 0 })
  })
})

describe('a target', () => {
  test('that floods one client leaves others served', async () => {
    const target = await Target.open((message) =>
      message.toString() === 'ask' ? Buffer.from('answer') : undefined,
    )
    const { port, proxy } = await proxied()
    const flooded = await Raw.open(port, target, capsules('here I am'))
    await until(() => target.heard.length === 1)
    flooded.connection.pause()
    const { from } = target
    const flood = setInterval(() => {
      for (let count = 0; count < 50; count++)
        target.socket.send(Buffer.alloc(1_400), from?.port, from?.address)
    })
    later(() => clearInterval(flood))
    await until(() => proxy.stats().backward + proxy.stats().dropped > 500)
    const other = await Raw.open(port, target, capsules('ask'))
    expect(await other.payloads(1)).toEqual(['answer'])
  })

  test('that answers when its client has gone is not heard', async () => {
    const target = await Target.open(() => undefined)
    const { port, proxy } = await proxied()
    const raw = await Raw.open(port, target, capsules('a'))
    await until(() => target.heard.length === 1)
    raw.connection.end()
    target.say('late')
    await until(() => proxy.stats().tunnels === 0)
    target.say('later')
    await quiet()
    expect(proxy.stats().ends.client).toBe(1)
  })
})

describe('the place of a client', () => {
  test.each([
    ['192.0.2.1', 4, '192.0.2.1'],
    ['2001:db8::1', 6, '2001:db8:0:0'],
    ['2001:db8:1:2:3:4:5:6', 6, '2001:db8:1:2'],
    ['::1', 6, '0:0:0:0'],
    ['::', 6, '0:0:0:0'],
    ['1::', 6, '1:0:0:0'],
    ['1:2:3:4:5:6:7::', 6, '1:2:3:4'],
    ['1:0:2::3', 6, '1:0:2:0'],
  ] as const)('%s is that of its network', (host, family, place) => {
    expect(placeOf({ kind: 'ip', family, host, port: 1 })).toBe(place)
  })

  test('is one for all who have no address, and one for each on a link', () => {
    expect(placeOf({ kind: 'unix', path: '/run/a' })).toBe('unix')
    expect(placeOf({ kind: 'ip', family: 6, host: 'fe80::1', zone: 'eth0', port: 1 })).toBe('fe80::1')
  })
})
