import { expect, test } from 'vitest'

import { connect } from '../../src/rpc/transports.ts'

const { signal } = new AbortController()

test.each([
  ['http://127.0.0.1', /: only ws, wss, tcp and udp are spoken here$/],
  ['tls://127.0.0.1:1', /: only ws, wss, tcp and udp are spoken here$/],
  ['unix:/nowhere', /: only ws, wss, tcp and udp are spoken here$/],
  ['lsp://127.0.0.1:1', /the scheme is none of/],
  ['127.0.0.1:1', /the scheme is none of/],
  ['tcp://127.0.0.1', /the port is missing/],
])('%s is nowhere to connect to', async (url, why) => {
  await expect(connect(url, signal)).rejects.toThrow(why)
})

test.each(['tcp', 'udp', 'ws'])('over %s, where nobody listens there is nobody to call', async (way) => {
  await expect(connect(`${way}://127.0.0.1:1`, signal)).rejects.toMatchObject({
    code: 'ERR_FAIRLEAD_CONNECT',
  })
})

test.each(['tcp', 'udp', 'ws'])('over %s, connecting can be given up', async (way) => {
  const reason = new Error('enough')
  await expect(connect(`${way}://127.0.0.1:1`, AbortSignal.abort(reason))).rejects.toBe(reason)
})
