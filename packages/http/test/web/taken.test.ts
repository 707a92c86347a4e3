import { expect, test } from 'vitest'

import { take } from '../../src/web/taken.ts'

// The runtime's own responses, which are looked into where they can be.

async function textOf(body: ReturnType<typeof take>['body']): Promise<string> {
  return new Response(body as string).text()
}

test.each(['text', 'bytes'])('%s that a clone was read of is still there', async (kind) => {
  const response = new Response(kind === 'text' ? 'ahoy' : Buffer.from('ahoy'))
  await response.clone().text()
  expect(await textOf(take(response).body)).toBe('ahoy')
})

test('bytes that are taken stay when a clone is read behind it', async () => {
  const response = new Response(Buffer.from('ahoy'))
  const clone = response.clone()
  const { body } = take(response)
  expect(await clone.text()).toBe('ahoy')
  expect(await textOf(body)).toBe('ahoy')
})

test('no bytes are no bytes', async () => {
  expect(await textOf(take(new Response(new Uint8Array())).body)).toBe('')
})
