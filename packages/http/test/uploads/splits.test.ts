import { expect, test } from 'vitest'

import { field, file, formRequest, Pieces, readAll, requestWith, wireForm } from './uploads.ts'

const list = [
  field('a', 'x'),
  field('', ''),
  file('f', 'a.bin', `-\r\n--b0undar\r\n${'y'.repeat(9)}\r\n\r`),
  file('g', ''),
  ['content-disposition: form-data;\r\n name="folded"', '\n'] as const,
]
const bytes = Buffer.concat([Buffer.from('\r\npreamble\r\n'), wireForm(list)])

test('a form is the same, wherever it is split', async () => {
  const whole = await readAll(formRequest(bytes))
  expect(whole.map(({ name, filename }) => [name, filename])).toEqual([
    ['a', undefined],
    ['', undefined],
    ['f', 'a.bin'],
    ['g', ''],
    ['folded', undefined],
  ])
  expect(whole.map(({ body }) => body)).toEqual(list.map(([, body]) => body))
  const headers = { 'Content-Type': 'multipart/form-data; boundary=b0undary' }
  for (let at = 1; at < bytes.length; at++) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(bytes.subarray(0, at)))
        controller.enqueue(new Uint8Array(bytes.subarray(at)))
        controller.close()
      },
    })
    expect(await readAll(requestWith(stream, headers))).toEqual(whole)
  }
})

test.each([1, 2, 3, 4, 5, 7, 9, 11, 64])('a form is the same in pieces of %d', async (size) => {
  const whole = await readAll(formRequest(bytes))
  const { stream } = new Pieces(bytes, size)
  const headers = { 'Content-Type': 'multipart/form-data; boundary="b0undary"; charset=utf-8' }
  expect(await readAll(requestWith(stream, headers))).toEqual(whole)
})
