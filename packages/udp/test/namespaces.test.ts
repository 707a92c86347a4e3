import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { beforeAll, describe, expect, test } from 'vitest'

import { canMakeNetworks } from './namespaces/allowed.ts'

describe.skipIf(!canMakeNetworks())('in networks of their own', () => {
  let results: Record<string, unknown>

  // All scenarios in one process: making the namespaces takes longer than any of them.
  beforeAll(async () => {
    const program = fileURLToPath(new URL('programs/namespace.mjs', import.meta.url))
    const run = promisify(execFile)('unshare', ['-rn', process.execPath, program], { timeout: 60_000 })
    results = JSON.parse((await run).stdout) as typeof results
  }, 60_000)

  test('a group is joined on every interface, and what is sent into each arrives', () => {
    expect(results['everyInterface']).toEqual({
      joined: ['lo', 'near1', 'near2'],
      heard: ['239.77.3.1 from 10.9.1.2', '239.77.3.1 from 10.9.2.2'],
    })
    expect(results['everyIpv6Interface']).toEqual({
      joined: ['lo', 'near1', 'near2'],
      heard: ['ff02::7703 from fe80::9:1:2%near1', 'ff02::7703 from fe80::9:2:2%near2'],
    })
  })

  test('a group that is joined on one interface is not heard on the other', () => {
    expect(results['oneInterface']).toEqual({ joined: ['near2'], heard: ['239.77.3.2 from 10.9.2.2'] })
  })

  test('an interface that is deleted and made again is joined again, and both are told', () => {
    const told = ['+lo +near1 +near2', '-near2', '+near2']
    expect(results['goneAndBack']).toEqual({
      told,
      heard: ['239.77.3.3 from 10.9.1.2', '239.77.3.3 from 10.9.2.2'],
      told6: told,
      heard6: ['ff02::7704 from fe80::9:1:2%near1', 'ff02::7704 from fe80::9:2:2%near2'],
    })
  })

  test('so is one that was made again between two looks', () => {
    const all = '+lo +near1 +near2'
    expect(results['behindOurBack']).toEqual({
      told: [all, all, '+near2', '+near2'],
      heard: ['239.77.3.4 from 10.9.2.2', '232.77.3.4 from 10.9.2.2'],
      told6: [all, '+near2'],
      heard6: ['ff02::7705 from fe80::9:2:2%near2'],
    })
  })

  test('new addresses, however many, use up no memberships', () => {
    expect(results['newAddresses']).toEqual({
      joined: [['near1'], ['near1']],
      heard: ['239.77.3.5 from 10.9.1.2', '232.77.3.5 from 10.9.1.3'],
      troubles: [],
    })
  })

  test('a membership for one source hears no other', () => {
    expect(results['sourceOnly']).toEqual(['232.77.3.6 from 10.9.1.3'])
  })

  test('a broadcast to each interface arrives at its far end, if broadcasts are allowed', () => {
    expect(results['broadcast']).toEqual({
      refused: expect.stringContaining('EACCES'),
      addresses: ['10.9.1.255', '10.9.2.255'],
      heard: ['ahoy from 10.9.1.1', 'ahoy from 10.9.2.1'],
    })
  })

  test('multicast goes as far as multicastTtl says, back as multicastLoopback, and by multicastInterface', () => {
    expect(results['reach']).toEqual({
      near: ['ttl 0 from 10.9.1.1', 'ttl 1 from 10.9.1.1', 'second from 10.9.2.1'],
      far: ['ttl 1 from 10.9.1.1', 'no loopback from 10.9.1.1', 'second from 10.9.2.1'],
    })
  })

  test('an interface knows who is on its link', () => {
    expect(results['onLink']).toEqual({ answers: [true, false, true, false], broadcast: ['10.9.1.255'] })
  })
})
