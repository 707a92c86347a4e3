import { expect, test, vi } from 'vitest'

import { head } from '../server/ways.ts'

const names = ['Headers', 'Request', 'Response', 'fetch'] as const

test('who only listens does not have the runtime load its client', async () => {
  const kept = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)!] as const)
  const touched: string[] = []
  for (const [name, descriptor] of kept) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get: () => {
        touched.push(name)
        return descriptor.get ? (descriptor.get.call(globalThis) as unknown) : descriptor.value
      },
    })
  }
  vi.resetModules()
  try {
    const fresh = await import('../server/ways.ts')
    const [way] = fresh.ways
    await using server = await way!.listen((exchange) => exchange.respond(200, {}, 'ahoy'))
    const peer = await fresh.client(way!, server)
    peer.write(head('GET / HTTP/1.1'))
    expect((await peer.replies(1))[0]?.body).toBe('ahoy')
    expect(touched).toEqual([])

    // Of ours the first one that is made stands before the runtime's all the same.
    const { Headers, Response } = await import('../../src/index.ts')
    const response = new Response('ahoy')
    expect(touched.toSorted()).toEqual([...names].toSorted())
    expect([response instanceof globalThis.Response, new Headers() instanceof globalThis.Headers]).toEqual([
      true,
      true,
    ])
  } finally {
    for (const [name, descriptor] of kept) Object.defineProperty(globalThis, name, descriptor)
    vi.resetModules()
  }
})
