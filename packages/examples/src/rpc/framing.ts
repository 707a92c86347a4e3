import { type ByteConnection, type FramedConnection, LimitError, ProtocolError } from '@fairlead/core'
import { type Framing, lengthPrefixedFraming } from '@fairlead/core/framing'
import { ByteBuffer, Framed } from '@fairlead/core/transport'

const maxLength = 1024 * 1024
const maxHeader = 4_096

/** Texts, each behind its length in four bytes. */
export function lengthPrefixedText(stream: ByteConnection): FramedConnection<string> {
  return new Framed(stream, texts(lengthPrefixedFraming({ maxLength })))
}

/** Texts, each behind a Content-Length: the base protocol of the Language Server Protocol. */
export function contentLengthText(stream: ByteConnection): FramedConnection<string> {
  return new Framed(stream, texts(contentLengthFraming))
}

function texts(bytes: Framing<Uint8Array>): Framing<string> {
  const textOf = (message: Uint8Array | undefined) => message && new TextDecoder().decode(message)
  return {
    encode: (text) => bytes.encode(Buffer.from(text)),
    decoder() {
      const decoder = bytes.decoder()
      return {
        push: (chunk) => decoder.push(chunk),
        next: () => textOf(decoder.next()),
        end: () => textOf(decoder.end()),
        rest: () => decoder.rest(),
      }
    },
  }
}

const contentLengthFraming: Framing<Uint8Array> = {
  encode: (message) => [Buffer.from(`Content-Length: ${checked(message.length)}\r\n\r\n`), message],
  decoder() {
    const buffer = new ByteBuffer()
    /** Where the message is whose header is there. */
    let place: [begin: number, end: number] | undefined
    return {
      push: (chunk) => buffer.append(chunk),
      next() {
        place ??= placeIn(buffer)
        if (!place || buffer.length < place[1]) return undefined
        const [begin, end] = place
        place = undefined
        return buffer.cut(begin, end, end)
      },
      end() {
        if (buffer.length > 0) throw malformed('the stream ended inside it')
        return undefined
      },
      rest: () => buffer.take(),
    }
  },
}

const blankLine = Buffer.from('\r\n\r\n')
/** There are no other fields. What a page of a browser can send, a request of HTTP, is none of these. */
const header = /^(?:content-type:.*\r\n)*content-length: *(\d{1,10})(?:\r\ncontent-type:.*)*$/i

function placeIn(buffer: ByteBuffer): [begin: number, end: number] | undefined {
  const size = buffer.indexOf(blankLine, 0)
  if ((size < 0 ? buffer.length : size) > maxHeader) throw malformed('its header does not end')
  if (size < 0) return undefined
  const [, length] = header.exec(buffer.text(size)) ?? []
  if (length === undefined) throw malformed('its header is not a Content-Length')
  const begin = size + blankLine.length
  return [begin, begin + checked(Number(length))]
}

function checked(length: number): number {
  if (length <= maxLength) return length
  const options = { limit: 'maxLength', value: length }
  throw new LimitError(`Cannot frame message: ${length} bytes are more than ${maxLength}`, options)
}

function malformed(why: string): ProtocolError {
  return new ProtocolError(`Cannot read message: ${why}`, { side: 'remote', phase: 'read' })
}
