import { describe, expect, test } from 'vitest'

import { Response } from '../../src/index.ts'
import { saveBody, saveForm } from '../../src/uploads/index.ts'
import { useFolder } from '../client/download/file-server.ts'
import { emptied, head, until, ways } from '../server/ways.ts'
import { descriptors, field, file, formRequest, requestWith, wireForm } from './uploads.ts'

const folder = useFolder()
const bytes = wireForm([
  field('a', 'x'),
  file('f', 'x.bin', `\r\n--b0undar\r\n${'y'.repeat(30)}\r\n`),
  file('g', 'y.bin'),
  field('b', 'z'),
])

describe('a form that is stopped behind every byte', () => {
  test('leaves no file and no descriptor', async () => {
    const before = descriptors()
    for (let end = 0; end < bytes.length; end++) {
      const request = formRequest(bytes.subarray(0, end), { size: 1 + (end % 7) })
      const saving = saveForm(request, { folder: folder.path('.') }).then(
        // All of it but the line break behind the last boundary, which nobody needs.
        (form) =>
          form[Symbol.asyncDispose]().then(() => expect(end).toBeGreaterThanOrEqual(bytes.length - 2)),
        () => expect(end).toBeLessThan(bytes.length - 2),
      )
      await saving
      expect(folder.names()).toEqual([])
    }
    expect(descriptors()).toBeLessThanOrEqual(before)
  })

  test.each(ways)('by a client that leaves, over $name, leaves none', async (way) => {
    const errors: unknown[] = []
    let forms = 0
    await using server = await way.serve(async (request) => {
      try {
        await using form = await saveForm(request, { folder: folder.path('.') })
        forms += form.files.length
      } catch (error) {
        errors.push(error)
      }
      return new Response()
    })
    const before = descriptors()
    const type = 'Content-Type: multipart/form-data; boundary=b0undary'
    const start = head('POST / HTTP/1.1', type, `Content-Length: ${bytes.length}`)
    for (let end = 0; end < bytes.length; end += 3) {
      const connection = await way.connect(server)
      const { requests } = server.stats()
      await connection.send(start + bytes.toString('latin1', 0, end))
      await until(() => server.stats().requests > requests)
      // In the middle of things, or when it is quiet.
      if (end % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      connection.destroy()
    }
    await emptied(server)
    await until(() => errors.length === server.stats().requests)
    expect(forms).toBe(0)
    await until(() => descriptors() <= before)
    expect(folder.names()).toEqual([])
  })
})

test('a body that is stopped behind every byte never becomes a file', async () => {
  const before = descriptors()
  for (let end = 0; end < 40; end++) {
    const request = requestWith(bytes.subarray(0, end), { 'Content-Length': '40' })
    await expect(saveBody(request, folder.path('file'))).rejects.toThrow(/^Cannot save .*: its body has/)
    expect(folder.names()).toEqual([])
  }
  expect(descriptors()).toBeLessThanOrEqual(before)
})
