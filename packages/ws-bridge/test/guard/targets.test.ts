import { BlockList } from 'node:net'
import { tmpdir } from 'node:os'

import { type Address, type ConnectError, ipAddress } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { afterEach, describe, expect, test } from 'vitest'

import { type AllowedTargets, targetPolicy } from '../../src/guard/targets.ts'

const at = (host: string) => ipAddress(host, 5900)
const unix: Address = { kind: 'unix', path: '/run/vnc.sock' }
const memory: Address = { kind: 'memory', name: 'vnc' }

/** What each policy makes of an address, in the order: 'public', 'any', a list of 10.0.0.0/8, a list with 'public' beside. */
const policies = (['public', 'any', ['10.0.0.0/8'], ['10.0.0.0/8', 'public']] as const).map((allow) =>
  targetPolicy(allow),
)
const yes = true
const no = false

describe('a target policy', () => {
  test.each<[string, string, boolean[]]>([
    ['8.8.8.8', 'is public', [yes, yes, no, yes]],
    ['2606:4700:4700::1111', 'is public', [yes, yes, no, yes]],
    ['::ffff:8.8.8.8', 'is the IPv4 address (RFC 4291 section 2.5.5.2)', [yes, yes, no, yes]],
    ['127.0.0.1', 'is loopback (RFC 1122 section 3.2.1.3)', [no, yes, no, no]],
    ['127.255.255.254', 'is loopback, all of 127.0.0.0/8', [no, yes, no, no]],
    ['::1', 'is loopback (RFC 4291 section 2.5.3)', [no, yes, no, no]],
    ['::ffff:127.0.0.1', 'is loopback, mapped', [no, yes, no, no]],
    ['::ffff:7f00:1', 'is loopback, mapped, in hexadecimal', [no, yes, no, no]],
    ['0:0:0:0:0:ffff:7f00:0001', 'is loopback, mapped, at length', [no, yes, no, no]],
    ['::127.0.0.1', 'is IPv4-compatible (RFC 4291 section 2.5.5.1)', [no, yes, no, no]],
    ['0.0.0.0', 'is this host (RFC 1122 section 3.2.1.3)', [no, yes, no, no]],
    ['::', 'is unspecified, and loopback to connect', [no, yes, no, no]],
    ['10.1.2.3', 'is private (RFC 1918)', [no, yes, yes, yes]],
    ['::ffff:10.1.2.3', 'is private, mapped', [no, yes, yes, yes]],
    ['::ffff:a01:203', 'is private, mapped, in hexadecimal', [no, yes, yes, yes]],
    ['172.16.0.1', 'is private', [no, yes, no, no]],
    ['172.32.0.1', 'is beyond the private range', [yes, yes, no, yes]],
    ['192.168.1.10', 'is private', [no, yes, no, no]],
    ['100.64.0.1', 'is shared (RFC 6598)', [no, yes, no, no]],
    ['fd12:3456::1', 'is unique local (RFC 4193)', [no, yes, no, no]],
    ['fe80::1', 'is link-local (RFC 4291 section 2.5.6)', [no, yes, no, no]],
    ['fe80::1%eth0', 'is link-local with its zone', [no, yes, no, no]],
    ['fec0::1', 'is site-local of old (RFC 3879)', [no, yes, no, no]],
    ['169.254.169.254', 'has the metadata of most clouds', [no, yes, no, no]],
    ['::ffff:169.254.169.254', 'has them, mapped', [no, yes, no, no]],
    ['fd00:ec2::254', 'has the metadata of EC2 over IPv6', [no, yes, no, no]],
    ['fd20:ce::254', 'has the metadata of GCE over IPv6', [no, yes, no, no]],
    ['100.100.100.200', 'has the metadata of Alibaba', [no, yes, no, no]],
    ['168.63.129.16', 'has the services of Azure', [no, yes, no, no]],
    ['192.0.0.192', 'has the metadata of Oracle', [no, yes, no, no]],
    ['2002:7f00:1::', 'hides loopback in 6to4 (RFC 3056)', [no, yes, no, no]],
    ['2002:a00:1::1', 'hides a private address in 6to4', [no, yes, no, no]],
    ['64:ff9b::7f00:1', 'hides loopback in NAT64 (RFC 6052)', [no, yes, no, no]],
    ['64:ff9b::169.254.169.254', 'hides the metadata in NAT64', [no, yes, no, no]],
    ['64:ff9b:1::a00:1', 'hides a private address in local NAT64 (RFC 8215)', [no, yes, no, no]],
    ['2001:0:7f00:1::', 'hides an address in Teredo (RFC 4380)', [no, yes, no, no]],
    ['198.18.0.1', 'is for benchmarks (RFC 2544)', [no, yes, no, no]],
    ['203.0.113.7', 'is for documentation (RFC 5737)', [no, yes, no, no]],
    ['2001:db8::1', 'is for documentation (RFC 3849)', [no, yes, no, no]],
    ['224.0.0.1', 'is multicast (RFC 5771)', [no, yes, no, no]],
    ['ff02::1', 'is multicast (RFC 4291 section 2.7)', [no, yes, no, no]],
    ['255.255.255.255', 'is broadcast (RFC 919)', [no, yes, no, no]],
    ['240.0.0.1', 'is reserved (RFC 1112)', [no, yes, no, no]],
  ])('sees that %s %s', (host, _rule, expected) => {
    expect(policies.map((isAllowed) => isAllowed(at(host)))).toEqual(expected)
  })

  test('lets nobody reach a Unix socket or memory who was not told so', () => {
    for (const address of [unix, memory]) {
      expect(policies.map((isAllowed) => isAllowed(address))).toEqual([no, yes, no, no])
      expect(targetPolicy(['unix'])(address)).toBe(true)
      expect(targetPolicy(['public', 'unix'])(address)).toBe(true)
    }
    expect(targetPolicy(['unix'])(at('127.0.0.1'))).toBe(false)
  })

  test('is public where nothing is said, and where a list says no more', () => {
    for (const isAllowed of [targetPolicy(undefined), targetPolicy(['public'])]) {
      expect([at('8.8.8.8'), at('127.0.0.1'), unix].map(isAllowed)).toEqual([true, false, false])
    }
  })

  test('takes a list of the runtime, which may change', () => {
    const list = new BlockList()
    const isAllowed = targetPolicy(list)
    expect([isAllowed(at('192.168.1.10')), isAllowed(at('8.8.8.8'))]).toEqual([false, false])
    list.addAddress('192.168.1.10')
    expect([isAllowed(at('192.168.1.10')), isAllowed(at('8.8.8.8'))]).toEqual([true, false])
  })

  test('of a function is what it says of the address, and only true is yes', () => {
    const asked: Address[] = []
    expect(targetPolicy((address) => asked.push(address) > 0)(at('10.0.0.1'))).toBe(true)
    expect(asked).toEqual([at('10.0.0.1')])
    for (const answer of [false, undefined, 1, 'yes', Promise.resolve(true)]) {
      expect(targetPolicy((() => answer) as () => boolean)(at('8.8.8.8'))).toBe(false)
    }
  })

  test.each<[unknown, string]>([
    ['private', "must be 'public', 'any', a list of addresses, or a function"],
    ['', "must be 'public', 'any', a list of addresses, or a function"],
    [null, "must be 'public', 'any', a list of addresses, or a function"],
    [true, "must be 'public', 'any', a list of addresses, or a function"],
    [{}, 'must be an array or a BlockList'],
    [[], 'an empty list names nobody'],
    [['any'], '"any" is not an address, a subnet or a range'],
    [['public', 'localhost'], '"localhost" is not an address, a subnet or a range'],
    [['0177.0.0.1'], '"0177.0.0.1" is not an address, a subnet or a range'],
    [['127.1'], '"127.1" is not an address, a subnet or a range'],
    [['10.0.0.0/33'], '"10.0.0.0/33" is not an address, a subnet or a range'],
    [['fe80::1%eth0'], '"fe80::1%eth0" is not an address, a subnet or a range'],
  ])('refuses %j', (allow, why) => {
    const message = `Invalid option targets: ${why}`
    expect(() => targetPolicy(allow as AllowedTargets, 'targets')).toThrow(new TypeError(message))
  })
})

describe('what a target policy forbids', () => {
  const open: tcp.StreamListener[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((listener) => listener.close({ grace: 0 })))
  })

  /** A listener, and whoever came: one after the other, so that the last one to come is the last one there. */
  async function service(options: tcp.ListenOptions = { port: 0 }) {
    const listener = await tcp.listen(options)
    open.push(listener)
    const visitors = listener[Symbol.asyncIterator]()
    const address = listener.address as Address & { kind: 'ip' }
    return { ...address, next: async () => (await visitors.next()).value as tcp.StreamConnection }
  }

  /** One at 127.0.0.2 and one at 127.0.0.1, at a port that was free at both. */
  async function twoServices(): Promise<{ allowed: Service; forbidden: Service; port: number }> {
    const allowed = await service({ host: '127.0.0.2', port: 0 })
    const { port } = allowed
    try {
      return { allowed, forbidden: await service({ host: '127.0.0.1', port }), port }
    } catch {
      return twoServices()
    }
  }

  type Service = Awaited<ReturnType<typeof service>>

  /** Whoever comes now is the first, and the only one. */
  async function expectNobody({ host, port, next }: Awaited<ReturnType<typeof service>>): Promise<void> {
    const first = await tcp.connect({ host, port, allow: targetPolicy([host]) })
    expect((await next()).remoteAddress).toEqual(first.localAddress)
    first.destroy()
  }

  /** Of the one address, or of each. */
  function codesBeneath({ cause }: ConnectError): unknown[] {
    const errors: unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
    return errors.map((error) => (error as { code?: string }).code)
  }

  test.each([
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '0:0:0:0:0:ffff:7f00:1',
    '0.0.0.0',
    '::1',
    '::',
    '64:ff9b::127.0.0.1',
    '2002:7f00:1::',
  ])('is not connected to as %s', async (host) => {
    const loopback = await service()
    const connected = tcp.connect({ host, port: loopback.port, allow: targetPolicy('public') })
    const error = (await connected.catch((reason: unknown) => reason)) as ConnectError
    expect(new Set(error.attempts.map(({ code }) => code))).toEqual(new Set(['EPERM']))
    expect(codesBeneath(error)).toEqual(error.attempts.map(() => 'ERR_FAIRLEAD_NOT_ALLOWED'))
    await expectNobody(loopback)
  })

  test.each(['0177.0.0.1', '0x7f.0.0.1', '2130706433', '017700000001', '127.1', '0'])(
    'is no host at all as %s',
    async (host) => {
      const allow = targetPolicy('any')
      await expect(tcp.connect({ host, port: 1, allow })).rejects.toThrow('Invalid option host')
    },
  )

  test.each(['0177.0.0.1', '0x7f.0.0.1', '2130706433', '127.1', 'metadata.example'])(
    'is not connected to when a lookup says %s',
    async (answer) => {
      const allow = targetPolicy('public')
      const lookup = () => Promise.resolve([answer])
      const connected = tcp.connect({ host: 'rebound.example', port: 1, allow, lookup })
      await expect(connected).rejects.toMatchObject({ phase: 'dns', cause: { code: 'EBADRESP' } })
    },
  )

  test('is what a Unix socket is, unless it is named', async () => {
    const path = `${tmpdir()}/fairlead-targets-${process.pid}.sock`
    const { next } = await service({ path })
    await expect(tcp.connect({ path, allow: targetPolicy('public') })).rejects.toMatchObject({
      cause: { code: 'ERR_FAIRLEAD_NOT_ALLOWED' },
    })
    const connection = await tcp.connect({ path, allow: targetPolicy(['unix']) })
    await next()
    connection.destroy()
  })

  test('is looked at once: a name that leads elsewhere the next time leads there the next time', async () => {
    const { allowed, forbidden, port } = await twoServices()
    const answers = ['127.0.0.2', '127.0.0.1', '::ffff:127.0.0.1']
    let asked = 0
    const options = {
      host: 'rebound.example',
      port,
      allow: targetPolicy(['127.0.0.2']),
      lookup: () => Promise.resolve([answers[asked++]!]),
    }
    const connection = await tcp.connect(options)
    expect(connection.remoteAddress).toEqual(ipAddress('127.0.0.2', port))
    expect((await allowed.next()).remoteAddress).toEqual(connection.localAddress)
    expect(asked).toBe(1)
    for (const times of [2, 3]) {
      await expect(tcp.connect(options)).rejects.toMatchObject({
        cause: { code: 'ERR_FAIRLEAD_NOT_ALLOWED' },
      })
      expect(asked).toBe(times)
    }
    connection.destroy()
    await expectNobody(forbidden)
  })

  test('is passed over among the addresses of one name', async () => {
    const { allowed, forbidden, port } = await twoServices()
    const connection = await tcp.connect({
      host: 'several.example',
      port,
      allow: targetPolicy(['127.0.0.2']),
      lookup: () => Promise.resolve(['127.0.0.1', '::1', '127.0.0.2']),
    })
    expect(connection.remoteAddress).toEqual(ipAddress('127.0.0.2', port))
    await allowed.next()
    connection.destroy()
    await expectNobody(forbidden)
  })

  test('is not connected to when the policy throws', async () => {
    const loopback = await service()
    const cause = new Error('no opinion')
    const allow = targetPolicy(() => {
      throw cause
    })
    await expect(tcp.connect({ port: loopback.port, allow })).rejects.toMatchObject({ cause })
    await expectNobody(loopback)
  })
})
