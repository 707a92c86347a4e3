import { describe, expect, test } from 'vitest'

import { type OutgoingBody, outgoingBody } from '../../../src/client/body/outgoing-body.ts'
import { drain, send } from './sending.ts'

function body(form: unknown): OutgoingBody {
  return outgoingBody(form as FormData) as OutgoingBody
}

/** A form as the runtime reads it, which is another implementation. */
async function received(given: OutgoingBody): Promise<[string, unknown][]> {
  const bytes = await send({ source: given.open(), framing: given.length! })
  expect(bytes).toHaveLength(given.length!)
  const form = await new Response(new Uint8Array(bytes), {
    headers: { 'Content-Type': given.type! },
  }).formData()
  const entries: [string, unknown][] = []
  for (const [name, value] of form.entries()) {
    const file = typeof value === 'string' ? value : [value.name, value.type, await value.text()]
    entries.push([name, file])
  }
  return entries
}

test('a form of text is whole, with its boundary in its type', async () => {
  const form = new FormData()
  form.append('name', 'Ada')
  form.append('name', 'Grüße')
  const given = body(form)
  const [, boundary] = /^multipart\/form-data; boundary=([\w-]+)$/.exec(given.type!)!
  const part = (value: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\n${value}\r\n`
  const wanted = `${part('Ada')}${part('Grüße')}--${boundary}--\r\n\r\n`
  expect(Buffer.from(given.whole!).toString()).toBe(wanted)
  expect(given).toMatchObject({ replayable: true, length: Buffer.byteLength(wanted) })
  expect(await received(given)).toEqual([
    ['name', 'Ada'],
    ['name', 'Grüße'],
  ])
})

test('no two forms have one boundary', () => {
  expect(body(new FormData()).type).not.toBe(body(new FormData()).type)
})

test('files are read as they go, with an exact length, and again', async () => {
  const form = new FormData()
  form.append('a', new File(['a'.repeat(200_000)], 'a.txt', { type: 'text/plain' }))
  form.append('b', 'text between')
  form.append('c', new Blob(['bytes']))
  form.append('d', new File([], 'empty'))
  const given = body(form)
  expect(given).toMatchObject({ replayable: true, whole: undefined })
  const wanted = [
    ['a', ['a.txt', 'text/plain', 'a'.repeat(200_000)]],
    ['b', 'text between'],
    ['c', ['blob', 'application/octet-stream', 'bytes']],
    ['d', ['empty', 'application/octet-stream', '']],
  ]
  expect(await received(given)).toEqual(wanted)
  expect(await received(given)).toEqual(wanted)
})

test('what is in a form is what was in it when the request was made', async () => {
  const form = new FormData()
  form.append('a', new File(['1'], 'a'))
  const given = body(form)
  form.delete('a')
  expect(await received(given)).toEqual([['a', ['a', 'application/octet-stream', '1']]])
})

test('names cannot end their line, or their quotes', () => {
  const nasty = 'a"\r\nContent-Type: x\nb\r\0\\;ü'
  const form = new FormData()
  form.append(nasty, 'value')
  const text = Buffer.from(body(form).whole!).toString()
  const line = 'Content-Disposition: form-data; name="a%22%0D%0AContent-Type: x%0D%0Ab%0D%0A\0\\;ü"'
  expect(text.split('\r\n')[1]).toBe(line)
  expect(text.split('\r\n').slice(2, 4)).toEqual(['', 'value'])
})

test('names of files are escaped, and their line ends left as they are', async () => {
  const form = new FormData()
  form.append('f', new File(['x'], 'a"\r\nb\n.txt'))
  const text = (await drain(body(form).open())).toString()
  expect(text.split('\r\n')[1]).toBe(
    'Content-Disposition: form-data; name="f"; filename="a%22%0D%0Ab%0A.txt"',
  )
})

test('line ends of values become CR LF, as in a browser', () => {
  const form = new FormData()
  form.append('a', '1\n2\r3\r\n4\n\r5')
  expect(Buffer.from(body(form).whole!).toString()).toContain('\r\n\r\n1\r\n2\r\n3\r\n4\r\n\r\n5\r\n--')
})

describe('forms of libraries', () => {
  const formOf = (...entries: [unknown, unknown][]): unknown => ({
    [Symbol.toStringTag]: 'FormData',
    entries: () => entries[Symbol.iterator](),
  })
  const file = (more: object): object => ({
    [Symbol.toStringTag]: 'File',
    name: 'a.txt',
    type: 'text/plain',
    size: 2,
    stream: () => new Blob(['ab']).stream(),
    ...more,
  })

  test('are known by their tag', async () => {
    expect(await received(body(formOf(['a', '1'], ['f', file({})])))).toEqual([
      ['a', '1'],
      ['f', ['a.txt', 'text/plain', 'ab']],
    ])
  })

  test('may hold a Blob, which is a file named blob', async () => {
    const given = body(formOf(['f', new Blob(['xy'])], ['g', 7]))
    expect(await received(given)).toEqual([
      ['f', ['blob', 'application/octet-stream', 'xy']],
      ['g', '7'],
    ])
  })

  test('cannot write lines by the type of a file', async () => {
    const given = body(formOf(['f', file({ type: 'a/b\r\nX-Evil: yes' })]))
    expect((await drain(given.open())).toString()).not.toContain('X-Evil')
  })

  test('may give pieces of any size and view, which are sent as they are', async () => {
    const large = Buffer.alloc(300_000, 'abc')
    const view = large.subarray(1, 200_001)
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield view
    }
    const given = body(formOf(['f', file({ size: view.length, stream })]))
    const [[, value]] = (await received(given)) as [[string, string[]]]
    expect(value[2] === view.toString()).toBe(true)
  })

  test('whose file is not as large as it says fail', async () => {
    const given = body(formOf(['f', file({ size: 1 })]))
    await expect(send({ source: given.open(), framing: given.length! })).rejects.toThrow(/it is longer/)
  })

  test('go out in chunks when a file does not know its size', () => {
    expect(body(formOf(['f', file({ size: Number.NaN })])).length).toBe(undefined)
  })
})

test('cancelling lets go of the file that is read', async () => {
  let cancelled: unknown
  const stream = (): ReadableStream =>
    new ReadableStream({ pull: () => new Promise(() => {}), cancel: (reason) => void (cancelled = reason) })
  const file = { [Symbol.toStringTag]: 'File', name: 'a', type: '', size: 1, stream }
  const form = { [Symbol.toStringTag]: 'FormData', entries: () => [['f', file]][Symbol.iterator]() }
  const source = body(form).open()
  await source.next()
  void source.next()
  source.cancel('reason')
  expect(cancelled).toBe('reason')
})
