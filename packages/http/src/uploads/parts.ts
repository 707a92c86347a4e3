import { boundaryOf } from './boundary.ts'
import { FormReader } from './form-reader.ts'
import { checkLimit, limitsOf } from './limits.ts'
import { checkNames } from './option-names.ts'
import type { FormLimits } from './options.ts'
import type { Part } from './part.ts'
import { blame, takeBody } from './request-body.ts'
import { lengthOfWhole } from './request-facts.ts'

/**
 * The parts of a `multipart/form-data` body (RFC 7578), one at a time, in their order, while they come. No more is read
 * of the request than the part at hand is; a part that was not read is skipped when the next one is asked for, and can
 * be read no more. Whoever leaves the loop lets go of the request.
 *
 * The loop ends when the whole request has come. Where it is cut off at any byte, malformed, or beyond a limit, the loop
 * throws, and so does the part that is being read.
 *
 * @throws LimitError that names the limit; HttpProtocolError for what is no form, or a malformed one; what the body was
 *   cut off with; BusyError where it has a reader; TypeError or RangeError that names the option. {@link statusOf} tells
 *   what to answer.
 * @example
 * ```ts
 * async function show(request: Request): Promise<void> {
 *   for await (const part of parts(request, { fileSize: 2 ** 20 })) {
 *     if (part.isFile) console.log(part.filename, (await part.bytes()).length)
 *     else console.log(part.name, await part.text())
 *   }
 * }
 * ```
 */
export function parts(request: Request, limits: FormLimits = {}): AsyncIterableIterator<Part, undefined> {
  checkNames('parts', limits)
  return formOf(request, limitsOf(limits))
}

/** The same of limits that are whole. */
export function formOf(request: Request, limits: Required<FormLimits>): FormReader {
  try {
    const { headers } = request
    const total = lengthOfWhole(headers)
    const boundary = boundaryOf(headers)
    if (total !== undefined) checkLimit(limits, 'totalSize', total)
    return new FormReader(takeBody(request), boundary, limits)
  } catch (error) {
    blame(request, error)
    throw error
  }
}
