import { pair } from '@fairlead/core/memory'
import { describe, expect, test } from 'vitest'

import { contentLengthText, lengthPrefixedText } from '../../src/rpc/framing.ts'

/** What is read from these bytes, and why it ended. */
async function read(
  chunks: readonly (string | Uint8Array)[],
): Promise<{ messages: string[]; reason: unknown }> {
  const [near, far] = pair()
  const messages: string[] = []
  const connection = contentLengthText(far)
  connection.handle({ onData: (message) => void messages.push(message) })
  // The other end hears ours.
  near.handle({ onData() {} })
  for (const chunk of chunks) if (near.state === 'open') near.write(chunk)
  near.end()
  const reason = await connection.closed
  return { messages, reason: reason.kind === 'error' ? reason.error.message : reason.kind }
}

function frame(text: string, header = `Content-Length: ${Buffer.byteLength(text)}`): string {
  return `${header}\r\n\r\n${text}`
}

const ahoy = '{"a":"ahoi, Käpt’n 🚢"}'

test('what one side sends, the other reads, however it is cut', async () => {
  const bytes = Buffer.from(frame(ahoy) + frame('') + frame('{}') + frame('x'.repeat(70_000)))
  const expected = { messages: [ahoy, '', '{}', 'x'.repeat(70_000)], reason: 'remote' }
  expect(await read([bytes])).toEqual(expected)
  const head = bytes.subarray(0, 200)
  expect(await read([...Array.from(head, (byte) => Buffer.of(byte)), bytes.subarray(200)])).toEqual(expected)
  for (let cut = 1; cut < 120; cut += 1) {
    expect(await read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected)
  }
})

test.each([lengthPrefixedText, contentLengthText])('%o goes both ways', async (framing) => {
  const [near, far] = pair().map((stream) => framing(stream)) as [
    ReturnType<typeof framing>,
    ReturnType<typeof framing>,
  ]
  const texts = [ahoy, '', 'x'.repeat(1024 * 1024)]
  for (const text of texts) near.write(text)
  expect(() => near.write('é'.repeat(600_000))).toThrow(/: 1200000 bytes are more than (maxLength )?1048576$/)
  void near.close()
  const read: string[] = []
  for await (const text of far) read.push(text)
  expect(read).toEqual(texts)
})

describe('a header', () => {
  test.each([
    'content-length: 2',
    'CONTENT-LENGTH:2',
    'Content-Length: 0000000002',
    'Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8',
    'Content-Type: application/vscode-jsonrpc; charset=utf8\r\nContent-Length: 2',
  ])('may be %j', async (header) => {
    expect(await read([frame('{}', header)])).toEqual({ messages: ['{}'], reason: 'remote' })
  })

  const none = 'Cannot read message: its header is not a Content-Length'

  test.each([
    '',
    'Content-Length',
    'Content-Length:',
    'Content-Length: +2',
    'Content-Length: -2',
    'Content-Length: 0x2',
    'Content-Length: 2.0',
    'Content-Length: 2 2',
    'Content-Length: 2, 2',
    'Content-Length: 2\r\nContent-Length: 2',
    'Content-Length: 2\r\nContent-Length: 3',
    'Content-Length : 2',
    ' Content-Length: 2',
    'Content-Length: 2\nX: 1',
    'Content-Length: 2\r',
    'X-Content-Length: 2',
    'Content-Type: a',
    `Content-Length: ${'9'.repeat(40)}`,
    // What a page of any site can have sent to a port of this machine.
    'POST / HTTP/1.1\r\nHost: 127.0.0.1:7072\r\nContent-Length: 2',
    'POST /a:b HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2',
    'Content-Length: 2\r\nHost: 127.0.0.1',
  ])('is not %j', async (header) => {
    expect(await read([frame('{}', header)])).toEqual({ messages: [], reason: none })
  })

  test.each([1_048_577, 2 ** 31, 2 ** 32 + 2, 9_999_999_999])(
    'names no more than 1 MiB: not %d',
    async (length) => {
      expect(await read([`Content-Length: ${length}\r\n\r\n`])).toEqual({
        messages: [],
        reason: `Cannot frame message: ${length} bytes are more than 1048576`,
      })
    },
  )

  test('ends within 4,096 bytes', async () => {
    const long = 'Cannot read message: its header does not end'
    const fits = `Content-Length: 2\r\nContent-Type: ${'x'.repeat(4_096 - 33)}`
    expect(await read([frame('{}', fits)])).toMatchObject({ messages: ['{}'] })
    expect(await read([frame('{}', `${fits}x`)])).toEqual({ messages: [], reason: long })
    expect(await read(['x'.repeat(4_096)])).toMatchObject({
      messages: [],
      reason: expect.stringMatching('ended inside'),
    })
    expect(await read(['x'.repeat(4_097)])).toEqual({ messages: [], reason: long })
    expect(await read([Buffer.alloc(1_000_000)])).toEqual({ messages: [], reason: long })
  })

  test.each(['C', 'Content-Length: 2\r\n', 'Content-Length: 2\r\n\r\n', 'Content-Length: 2\r\n\r\n{'])(
    'that is cut off after %j is told from the end',
    async (text) => {
      const reason = 'Cannot read message: the stream ended inside it'
      expect(await read([frame('[]'), text])).toEqual({ messages: ['[]'], reason })
    },
  )
})

test('without its framing a connection gives back what was not a message yet', async () => {
  const [near, far] = pair()
  const connection = contentLengthText(far)
  const reading = connection[Symbol.asyncIterator]()
  near.write(`${frame('{}')}Content-Length: 5\r\n\r\nab`)
  expect(await reading.next()).toEqual({ done: false, value: '{}' })
  const { head } = connection.unframe()
  expect(Buffer.from(head).toString()).toBe('Content-Length: 5\r\n\r\nab')
})
