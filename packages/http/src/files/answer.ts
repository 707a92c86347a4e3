import type { HeaderList } from '../web/header-list.ts'
import type { Held } from '../web/held.ts'
import { makeResponse, type Response } from '../web/response.ts'
import type { AskedFile } from './asked.ts'
import { contentRange, frameByteRanges, unsatisfiedRange } from './byte-ranges.ts'
import type { Section } from './file-pieces.ts'
import { evaluate, rangeApplies } from './preconditions.ts'
import { type ByteRange, rangesOf } from './ranges.ts'
import type { Representation } from './representation.ts'

/** Where the bytes of an answer come from. One of the three is called, once. */
export interface ByteSource {
  /** All of them. */
  whole(): Whole | Promise<Whole>
  /** Some of them. */
  part(sections: readonly Section[]): Held
  /** None. */
  close(): void
}

type Whole = Held | Uint8Array

/** Answers GET and HEAD with a file: whole, in part, or that there is no need to (RFC 9110 sections 13 and 14). */
export function answerWith(
  asked: AskedFile,
  file: Representation,
  source: ByteSource,
): Response | Promise<Response> {
  const { method, headers } = asked
  const { etag, modified: lastModified, size } = file
  const outcome = evaluate(method, headers, { etag, lastModified })
  if (outcome !== 'go') {
    source.close()
    if (outcome === 412) return makeResponse(412, unkept(file), null)
    return makeResponse(outcome, file.unchanged as HeaderList, null, true)
  }
  const range = headers.get('range')
  const ranges =
    range !== null && rangeApplies(headers, { etag, lastModified }) ? rangesOf(method, range, size) : 'whole'
  if (ranges === 'whole') return answerWhole(method, file, source)
  if (ranges === 'unsatisfiable') {
    source.close()
    const list = [...unkept(file), 'Accept-Ranges', 'bytes', 'Content-Range', unsatisfiedRange(size)]
    return makeResponse(416, list, null)
  }
  return ranges.length === 1 && ranges[0]
    ? answerPart(ranges[0], file, source)
    : answerParts(ranges, file, source)
}

/** What is said to one who asked for something that cannot be: caches must not give it to others in the file's place. */
function unkept({ unchanged }: Representation): string[] {
  return unchanged.map((text, at) =>
    at % 2 === 1 && /^cache-control$/i.test(unchanged[at - 1]!) ? 'no-cache' : text,
  )
}

function answerWhole(method: string, file: Representation, source: ByteSource): Response | Promise<Response> {
  const list = file.whole as HeaderList
  if (method === 'HEAD') {
    source.close()
    return makeResponse(200, list, null, true)
  }
  const whole = source.whole()
  return whole instanceof Promise
    ? whole.then((bytes) => makeResponse(200, list, bytes, true))
    : makeResponse(200, list, whole, true)
}

function answerPart(range: ByteRange, file: Representation, source: ByteSource): Response {
  const { start, end } = range
  const list = [...file.fields, 'Accept-Ranges', 'bytes', 'Content-Length', String(end + 1 - start)]
  list.push('Content-Range', contentRange(range, file.size))
  return makeResponse(206, list, source.part([{ start, end: end + 1 }]))
}

function answerParts(ranges: readonly ByteRange[], file: Representation, source: ByteSource): Response {
  const { type, heads, tail, length } = frameByteRanges(ranges, file)
  const list = [...file.fields, 'Accept-Ranges', 'bytes', 'Content-Length', String(length)]
  list[list.indexOf('Content-Type') + 1] = type
  const sections = ranges.flatMap(({ start, end }, at) => [heads[at] ?? '', { start, end: end + 1 }])
  return makeResponse(206, list, source.part([...sections, tail]))
}
