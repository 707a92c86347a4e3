import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

import { ConnectError, ListenError } from '@fairlead/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { readInterfaces } from '../../src/multicast/interfaces.ts'
import { requireReusePort } from '../../src/opening/reuse-port.ts'
import { applyTraffic, checkTraffic, type TrafficOptions } from '../../src/opening/socket-options.ts'
import { info } from '../table.ts'

type Target = Parameters<typeof applyTraffic>[0]

/** A socket of the runtime that notes what is asked of it. */
function fake(overrides: Partial<Target> = {}) {
  return {
    setTTL: vi.fn<Target['setTTL']>((ttl) => ttl),
    setMulticastTTL: vi.fn<Target['setMulticastTTL']>((ttl) => ttl),
    setMulticastLoopback: vi.fn<Target['setMulticastLoopback']>((on) => on),
    setMulticastInterface: vi.fn<Target['setMulticastInterface']>(),
    setBroadcast: vi.fn<Target['setBroadcast']>(),
    setRecvBufferSize: vi.fn<Target['setRecvBufferSize']>(),
    setSendBufferSize: vi.fn<Target['setSendBufferSize']>(),
    getRecvBufferSize: () => 212_992,
    getSendBufferSize: () => 425_984,
    ...overrides,
  }
}

const list = () => readInterfaces(() => ({ eth0: [info('10.0.0.1/24'), info('fe80::1/64')] }))

describe('options of traffic', () => {
  test.each([
    [{ ttl: 0 }, 'Invalid option ttl: 0 is not an integer from 1 to 255'],
    [{ ttl: 256 }, /^Invalid option ttl/],
    [{ ttl: 1.5 }, /^Invalid option ttl/],
    [{ ttl: '1' }, /^Invalid option ttl/],
    [{ multicastTtl: -1 }, 'Invalid option multicastTtl: -1 is not an integer from 0 to 255'],
    [{ multicastTtl: 256 }, /^Invalid option multicastTtl/],
    [{ multicastTtl: null }, /^Invalid option multicastTtl/],
    [{ multicastLoopback: 1 }, /^Invalid option multicastLoopback: 1 is not true or false/],
    [{ broadcast: 'no' }, /^Invalid option broadcast/],
    [{ multicastInterface: '' }, "Invalid option multicastInterface: must be an interface's name or address"],
    [{ multicastInterface: 1 }, /^Invalid option multicastInterface/],
    [{ recvBufferSize: 0 }, /^Invalid option recvBufferSize/],
    [{ sendBufferSize: -1 }, /^Invalid option sendBufferSize/],
  ])('%j are refused', (options, message) => {
    expect(() => checkTraffic(options as TrafficOptions)).toThrow(message)
  })

  test.each([
    {},
    { ttl: 1, multicastTtl: 0 },
    { ttl: 255, multicastTtl: 255 },
    { multicastInterface: 'eth0' },
  ])('%j are taken', (options) => expect(() => checkTraffic(options)).not.toThrow())

  test('are asked of the system one by one, and none that is not given', () => {
    const socket = fake()
    expect(applyTraffic(socket, 4, {})).toEqual({ recvBufferSize: 212_992, sendBufferSize: 425_984 })
    for (const it of Object.values(socket)) if (vi.isMockFunction(it)) expect(it).not.toHaveBeenCalled()
    const options = { ttl: 9, multicastTtl: 0, multicastLoopback: false, broadcast: false }
    applyTraffic(socket, 4, { ...options, recvBufferSize: 1, sendBufferSize: 2 })
    expect(socket.setTTL).toHaveBeenCalledWith(9)
    expect(socket.setMulticastTTL).toHaveBeenCalledWith(0)
    expect(socket.setMulticastLoopback).toHaveBeenCalledWith(false)
    expect(socket.setBroadcast).toHaveBeenCalledWith(false)
    expect(socket.setRecvBufferSize).toHaveBeenCalledWith(1)
    expect(socket.setSendBufferSize).toHaveBeenCalledWith(2)
  })

  test.each([
    [4, 'eth0', '10.0.0.1'],
    [4, '10.0.0.1', '10.0.0.1'],
    [6, 'eth0', '::%eth0'],
    [6, 'fe80::1', '::%eth0'],
  ] as const)('of IPv%i name the interface %s to the system as %s', (family, multicastInterface, form) => {
    const socket = fake()
    applyTraffic(socket, family, { multicastInterface }, ListenError, list)
    expect(vi.mocked(socket.setMulticastInterface).mock.calls).toEqual([[form]])
  })

  test('say which of them the system does not take, in the kind of error that the caller wants', () => {
    const cause = Object.assign(new Error('setTTL EPERM'), { code: 'EPERM' })
    const socket = fake({
      setTTL() {
        throw cause
      },
    })
    const refused = (): unknown => applyTraffic(socket, 4, { ttl: 9 }, ConnectError)
    expect(refused).toThrow(new ConnectError('Cannot set option ttl to 9: not permitted', { cause }))
    const nowhere = (): unknown =>
      applyTraffic(fake(), 4, { multicastInterface: 'fe80::1' }, ListenError, list)
    expect(nowhere).toThrow(ListenError)
    expect(nowhere).toThrow(/^Cannot set option multicastInterface to fe80::1: no interface .* has IPv4$/)
  })

  test('need not be able to change or to tell the sizes of buffers', () => {
    const refuse = (): never => {
      throw new Error('not here')
    }
    const sizes = { recvBufferSize: 1, sendBufferSize: 1 }
    const stubborn = fake({ setRecvBufferSize: refuse, setSendBufferSize: refuse })
    expect(applyTraffic(stubborn, 4, sizes)).toEqual({ recvBufferSize: 212_992, sendBufferSize: 425_984 })
    const silent = fake({ getRecvBufferSize: refuse, getSendBufferSize: refuse })
    expect(applyTraffic(silent, 4, sizes)).toEqual({ recvBufferSize: 0, sendBufferSize: 0 })
  })
})

describe('on real sockets', () => {
  async function bound(type: 'udp4' | 'udp6', host: string): Promise<Socket> {
    const socket = createSocket(type).bind(0, host)
    onTestFinished(() => void socket.close())
    await once(socket, 'listening')
    return socket
  }

  test('the system takes them all, of both families', async () => {
    const options = { ttl: 3, multicastTtl: 0, multicastLoopback: true, broadcast: true }
    const sizes = { recvBufferSize: 50_000, sendBufferSize: 60_000 }
    const socket = await bound('udp4', '127.0.0.1')
    const granted = applyTraffic(socket, 4, { ...options, ...sizes, multicastInterface: '127.0.0.1' })
    expect(granted.recvBufferSize).toBeGreaterThanOrEqual(50_000)
    expect(granted.sendBufferSize).toBeGreaterThanOrEqual(60_000)
    const other = await bound('udp6', '::1')
    expect(applyTraffic(other, 6, options).sendBufferSize).toBeGreaterThan(0)
  })
})

test('reusePort is refused where the runtime ignores it, and else lets two sockets share a port', async () => {
  const attempt = requireReusePort().then(
    () => 'shared',
    (error: unknown) => String(error),
  )
  const options = { type: 'udp4', reusePort: true } as const
  const [first, second] = [createSocket(options), createSocket(options)]
  onTestFinished(() => {
    first.close()
    second.close()
  })
  first.bind(0, '127.0.0.1')
  await once(first, 'listening')
  const shared = new Promise<boolean>((resolve) => {
    second.once('error', () => resolve(false))
    second.bind(first.address().port, '127.0.0.1', () => resolve(true))
  })
  const refusal = /^TypeError: Invalid option reusePort: ports are not shared here \(v\d+\S*, \w+\)$/
  expect(await attempt).toMatch((await shared) ? /^shared$/ : refusal)
})
