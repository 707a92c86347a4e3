// What undici's own tests and web-platform-tests found in `fetch`; see conformance/suites.mjs.

import { runInNewContext } from 'node:vm'

import { expect, test } from 'vitest'

import { fetch } from '../../src/client/request.ts'
import { fetchingFrom } from './fetching.ts'

test.each([
  'new Uint8Array(bytes)',
  'new DataView(new Uint8Array(bytes).buffer)',
  'new Uint8Array(bytes).buffer',
])('bytes of another realm are sent as those of this one: %s', async (made) => {
  await using met = await fetchingFrom(async (request) => new Response(await request.text()))
  const body = runInNewContext(made, { bytes: [...Buffer.from('ahoy')] }) as Uint8Array<ArrayBuffer>
  const response = await met.fetch('http://a/', { method: 'POST', body })
  expect(await response.text()).toBe('ahoy')
})

test('memory that is shared is not sent', async () => {
  const body = new Uint8Array(new SharedArrayBuffer(4)) as unknown as Uint8Array<ArrayBuffer>
  await expect(fetch('http://127.0.0.1:9/', { method: 'POST', body })).rejects.toThrow('its memory is shared')
})

test('what is no URL counts before what was aborted', async () => {
  const signal = AbortSignal.abort()
  await expect(fetch('http://:no port', { signal })).rejects.toThrow(TypeError)
})
