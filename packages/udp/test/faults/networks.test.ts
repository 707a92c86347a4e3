import { beforeAll, describe, expect, test } from 'vitest'

import { canMakeNetworks } from '../namespaces/allowed.ts'
import { alone } from './harness.ts'

describe.skipIf(!canMakeNetworks())('in a network of its own', () => {
  let came: Record<string, unknown>

  // All in one process: making it takes longer than any of them.
  beforeAll(async () => {
    came = await alone('networks', ['unshare', '-rnm'])
  }, 60_000)

  test('22 a network that is down: each send is an error that is told, and it works when it is up', () => {
    expect(came['down']).toEqual({
      told: [
        'Cannot send to 10.9.9.2:9: network is unreachable',
        expect.stringMatching(/^Cannot send to \[ff02::7709\]:9: (network|address) is/),
      ],
      states: ['open', 'open'],
      sendErrors: [1, 1],
      connect: 'ConnectError: Cannot connect to 10.9.9.2:9: network is unreachable',
      join: 'ListenError',
      after: 'ahoy',
    })
  })

  test('22 an address that goes while a socket is bound to it, and comes back', () => {
    expect(came['addressGone']).toEqual({
      before: 'ahoy',
      failed: true,
      closed: [],
      after: 'ahoy',
      books: true,
    })
  })

  test('22 an interface that goes while it is joined: told, and joined again when it is back', () => {
    expect(came['interfaceGone']).toEqual({
      told: ['+lo +near', '-near', '+near'],
      troubles: [],
      heard: ['before', 'after'],
      state: 'open',
    })
  })

  test('22 a listener with sessions lives through it, and so do they', () => {
    expect(came['sessions']).toEqual({
      states: ['open', 'open', 'open'],
      echoed: ['before', 'after'],
      troubled: true,
    })
  })

  test('21 discovery lives through it', () => {
    expect(came['discovery']).toEqual({ states: ['open', 'open'], found: 1, again: 1 })
  })

  test('3 a link slower than its sender: the queue is bounded, all is accounted for, close ends in time', ({
    skip,
  }) => {
    if (typeof came['slowLink'] === 'string') skip(came['slowLink'])
    expect(came['slowLink']).toEqual({
      policies: {
        'drop-newest': { bounded: true, booked: true, dropped: true },
        'drop-oldest': { bounded: true, booked: true, dropped: true },
        block: { bounded: true, booked: true, dropped: false },
      },
      grew: false,
      close: { kind: 'timeout', late: false, booked: true },
    })
  })

  test('21 the system’s resolver hangs: all but that name go on, and close does not wait for it', ({
    skip,
  }) => {
    if (typeof came['resolverHangs'] === 'string') skip(came['resolverHangs'])
    expect(came['resolverHangs']).toEqual({
      before: [],
      late: false,
      told: [expect.stringMatching(/^Cannot send to slow\.example: /)],
      books: [2, 1, 1],
      state: 'open',
    })
  })
})
