import * as udp from '@fairlead/udp'
import { describe, expect, test } from 'vitest'

import { dropsIn, kernelDrops } from '../src/kernel-drops.ts'

const local = { kind: 'ip', family: 4, host: '127.0.0.1', port: 55_591 } as const
const head =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            \n'
const row = (ends: string, drops: number): string =>
  ` 7449: ${ends} 07 00000000:00000000 00:00000000 00000000     0        0 12148780 2 000000009b18d815 ${drops}      \n`

test('finds the socket that is bound and connected there, and no other', () => {
  const table =
    head +
    row('0100007F:D926 00000000:0000', 1) +
    row('0100007F:D927 0100007F:0035', 2) +
    row('0100007F:D927 00000000:0000', 3)
  expect(dropsIn(table, { family: 4, local })).toBe(3)
  expect(dropsIn(table, { family: 4, local, peer: { ...local, port: 53 } })).toBe(2)
  expect(dropsIn(table, { family: 4, local: { ...local, port: 1 } })).toBeUndefined()
  expect(dropsIn(table + row('0100007F:D927 00000000:0000', 4), { family: 4, local })).toBeUndefined()
  expect(dropsIn('', { family: 4, local })).toBeUndefined()
})

test('IPv6 is four words, each in the byte order of the machine', () => {
  const wildcard = { kind: 'ip', family: 6, host: '::', port: 9 } as const
  const zeros = '0'.repeat(32)
  expect(dropsIn(row(`${zeros}:0009 ${zeros}:0000`, 5), { family: 6, local: wildcard })).toBe(5)
  const host = '2001:db8::12:3456'
  const row6 = row(`B80D0120000000000000000056341200:0009 ${zeros}:0000`, 6)
  expect(dropsIn(row6, { family: 6, local: { ...wildcard, host } })).toBe(6)
  const mapped = row(`0000000000000000FFFF00000100007F:D927 ${zeros}:0000`, 7)
  expect(dropsIn(mapped, { family: 6, local })).toBe(7)
})

describe.runIf(process.platform === 'linux')('is exact: what did not fit into the receive buffer', () => {
  test.each(['127.0.0.1', '::1'])('of a socket at %s', async (host) => {
    await using server = await udp.bind({ host, recvBufferSize: 2_304 })
    await using client = await udp.bind({ host })
    expect(kernelDrops({ family: host === '::1' ? 6 : 4, local: server.address })).toBe(0)
    const count = 200
    // In one turn, so that the server cannot read in between.
    for (let at = 0; at < count; at++) client.write(Buffer.alloc(1_000), server.address)
    const { kernelDropped } = server.stats()
    expect(kernelDropped).toBeGreaterThan(0)
    await expect.poll(() => server.stats().received).toBe(count - (kernelDropped ?? 0))
  })
})
