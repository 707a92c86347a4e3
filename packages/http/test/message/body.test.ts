import { BusyError, LimitError } from '@fairlead/core'
import { expect, test } from 'vitest'

import { IncomingBody } from '../../src/message/body.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

function open(): { body: IncomingBody; flow: boolean[]; failures: unknown[] } {
  const flow: boolean[] = []
  const failures: unknown[] = []
  const body = new IncomingBody({
    flow: (wanted) => flow.push(wanted),
    fail: (error) => failures.push(error),
  })
  return { body, flow, failures }
}

test('an empty body is complete, and reads as nothing', async () => {
  const body = IncomingBody.empty()
  expect(body.complete).toBe(true)
  expect(await body.text()).toBe('')
})

test('nothing is wanted before somebody reads', async () => {
  const { body, flow } = open()
  await Promise.resolve()
  expect(flow).toEqual([])
  const text = body.text()
  await Promise.resolve()
  expect(flow.at(-1)).toBe(true)
  body.push(bytes('grü'))
  body.push(bytes('ße'))
  body.finish()
  expect(await text).toBe('grüße')
})

test('collecting stops at its limit', async () => {
  const { body } = open()
  const text = body.text(4)
  body.push(bytes('12345'))
  await expect(text).rejects.toThrow(LimitError)
})

test('a reader that is slow holds the source after 64 KiB', async () => {
  const { body, flow } = open()
  const iterator = body[Symbol.asyncIterator]()
  await Promise.resolve()
  body.push(Buffer.alloc(64 * 1024))
  expect(flow.at(-1)).toBe(false)
  await iterator.next()
  expect(flow.at(-1)).toBe(true)
})

test('a handler may pause and resume', async () => {
  const { body, flow } = open()
  const got: string[] = []
  body.handle({ onData: (chunk) => void got.push(Buffer.from(chunk).toString()) })
  body.pause()
  body.push(bytes('a'))
  await Promise.resolve()
  expect([got, flow.at(-1) ?? false]).toEqual([[], false])
  body.resume()
  await Promise.resolve()
  expect([got, flow.at(-1)]).toEqual([['a'], true])
})

test('a body that is cut off throws behind what came, and is not complete', async () => {
  const { body } = open()
  const iterator = body[Symbol.asyncIterator]()
  await Promise.resolve()
  body.push(bytes('part'))
  body.abort(new Error('cut'))
  body.push(bytes('more'))
  expect((await iterator.next()).value).toEqual(bytes('part'))
  await expect(iterator.next()).rejects.toThrow('cut')
  expect(body.complete).toBe(false)
})

test('a second reader is refused', () => {
  const { body } = open()
  body.handle({ onData() {} })
  expect(() => body.handle({ onData() {} })).toThrow(BusyError)
})

test('what a reader throws is told to the source', async () => {
  const { body, failures } = open()
  body.handle({
    onData: () => {
      throw new Error('of the reader')
    },
  })
  await Promise.resolve()
  body.push(bytes('a'))
  expect(failures).toMatchObject([{ message: 'of the reader' }])
})
