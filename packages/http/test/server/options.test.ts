import { describe, expect, test } from 'vitest'

import { listen, Response } from '../../src/index.ts'

describe('options are checked at the call', () => {
  test.each([
    [undefined, 'Invalid options of listen: undefined is not an object'],
    [null, 'Invalid options of listen: null is not an object'],
    [5, 'Invalid options of listen: number is not an object'],
    [{ transport: {} }, 'Invalid option transport.listen: must be a function'],
    [{ transport: 5 }, 'Invalid option transport.listen: must be a function'],
    [{ onError: 5 }, 'Invalid option onError: must be a function'],
    [{ headersTimeout: -1 }, 'Invalid option headersTimeout: -1 is not a whole number of milliseconds'],
    [{ maxBodySize: 1.5 }, 'Invalid option maxBodySize: 1.5 is not a whole number from 0 up'],
    [{ limits: { headBytes: '5' } }, 'Invalid option limits.headBytes: 5 is not a whole number from 0 up'],
    [{ limits: { headbytes: 5 } }, 'Invalid option limits.headbytes: there is no such limit'],
    [{ limits: { interimResponses: 5 } }, 'Invalid option limits.interimResponses: there is no such limit'],
  ])('%j', async (options, message) => {
    await expect(listen(options as never, () => {})).rejects.toThrow(message)
  })

  test.each([null, 5, {}, 'x'])('%j is no callback', async (onExchange) => {
    await expect(listen({ port: 0 }, onExchange as never)).rejects.toThrow(
      new TypeError('Invalid option onExchange: must be a function'),
    )
  })
})

test.each([
  ['at once', () => new Response('dropped')],
  ['later', async () => new Response('dropped')],
])('a Response that listen is given %s is an error, and nobody waits for it', async (_, give) => {
  const told: unknown[] = []
  await using server = await listen(
    { port: 0, onError: (error) => void told.push(error) },
    give as () => void,
  )
  expect((await server.inject('/')).status).toBe(500)
  expect(told).toEqual([
    new TypeError('Cannot respond: listen takes no Response; call exchange.respond, or use serve'),
  ])
})
