import type {
  CodecLimits,
  Fields,
  Head,
  MessageHandler,
  RequestHead,
  ResponseHead,
} from '../../src/codec/index.ts'
import { CodecError, RequestParser, ResponseParser } from '../../src/codec/index.ts'
import { escape } from './transcript.ts'

interface DriveOptions {
  readonly methods?: readonly string[]
  readonly limits?: Readonly<Record<string, number>>
  readonly eof?: boolean
  /** Pause in every callback, and go on with what was not consumed. */
  readonly pausing?: boolean
}

/**
 * Pushes `chunks` through a parser and returns the events as transcripts write them, those of a body merged.
 * Nothing but a CodecError is caught: anything else is a defect and fails the test.
 */
export function drive(
  role: 'request' | 'response',
  chunks: readonly Uint8Array[],
  options: DriveOptions = {},
): string[] {
  const record = new Recorder()
  const parser = parserFor(role, record, options)
  if (options.pausing) record.pause = () => parser.pause()
  let rest = ''
  try {
    for (const chunk of chunks) rest += Buffer.from(feed(parser, chunk)).toString('latin1')
    if (options.eof) parser.end()
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    record.error(error)
  }
  return record.finish(rest)
}

function parserFor(role: 'request' | 'response', record: Recorder, options: DriveOptions) {
  const limits = options.limits as Partial<CodecLimits>
  if (role === 'request') return new RequestParser(record, limits)
  const parser = new ResponseParser(record, limits)
  for (const method of options.methods ?? []) parser.expect(method)
  return parser
}

/** Pushes until all is consumed, or the parser rests at the door to another protocol; returns what it left. */
function feed(parser: RequestParser | ResponseParser, chunk: Uint8Array): Uint8Array {
  for (;;) {
    chunk = chunk.subarray(parser.push(chunk))
    if (!parser.paused) return chunk
    parser.resume()
  }
}

class Recorder implements MessageHandler<Head> {
  readonly #events: string[] = []
  #body = ''
  pause = (): void => {}

  onHead(head: Head): void {
    this.#push(describeHead(head as RequestHead | ResponseHead))
    for (const [name, value] of head.fields)
      this.#push(`  ${escape(`${name}: ${value}`).slice(1, -1)}`.trimEnd())
    this.pause()
  }

  onBody(chunk: Uint8Array): void {
    if (chunk.length === 0) throw new Error('an empty chunk was told')
    this.#body += Buffer.from(chunk).toString('latin1')
    this.pause()
  }

  onEnd(trailers: Fields | undefined): void {
    this.#push('end')
    for (const [name, value] of trailers ?? [])
      this.#push(`  ${escape(`${name}: ${value}`).slice(1, -1)}`.trimEnd())
    this.pause()
  }

  error(error: CodecError): void {
    this.#push(`error ${error.statusHint} ${error.code.replace('ERR_FAIRLEAD_HTTP_', '')}`)
  }

  finish(rest: string): string[] {
    this.#flush()
    if (rest !== '') this.#push(`rest ${escape(rest)}`)
    return this.#events
  }

  #push(event: string): void {
    this.#flush()
    this.#events.push(event)
  }

  #flush(): void {
    if (this.#body !== '') this.#events.push(`body ${escape(this.#body)}`)
    this.#body = ''
  }
}

function describeHead(head: RequestHead | ResponseHead): string {
  const words =
    'method' in head ? ['head', head.method, escape(head.target).replaceAll('"', '')] : ['head', head.status]
  words.push(`1.${head.minor}`, `body=${head.framing}`, head.keepAlive ? 'keep-alive' : 'close')
  if (head.upgrade !== undefined) words.push(`upgrade=${head.upgrade.join(',')}`)
  if ('tunnel' in head && head.tunnel) words.push('tunnel')
  if ('expectContinue' in head && head.expectContinue) words.push('expects-100')
  if ('authority' in head && head.form === 'absolute') words.push(`authority=${head.authority}`)
  return words.join(' ')
}
