import { deflateRawSync } from 'node:zlib'

import { apart, close, end, ends, fails, frame, gets, offer, text } from '../words.mjs'

/** Small on the wire, and some milliseconds' work to inflate. */
const large = Buffer.concat(
  Array.from({ length: 10_000 }, (_, at) => Buffer.alloc(180, String.fromCharCode(65 + ((at * 7919) % 26)))),
)
const slow = frame(2, deflateRawSync(large, { level: 9, finishFlush: 2 }).subarray(0, -4), { reserved: 4 })
/** A byte a segment. */
const bytes = (data) => Array.from(data, (byte) => [Buffer.from([byte]), apart]).flat()
const behind = bytes(Buffer.alloc(40, 1))
const either = (codes) => [fails(codes, gets.binary(large)), fails(codes)]

/** How a segment is read is a matter of luck: several rounds of each. */
const kinds = {
  code: { send: [slow, apart, close(999), apart, ...behind], expect: either(1002) },
  reason: {
    send: [slow, apart, close(1000, Buffer.from([255])), apart, ...behind],
    expect: either([1002, 1007]),
  },
  'text and the end': {
    send: [slow, apart, text(Buffer.from([255, 254])), apart, ...behind, end],
    expect: [...either(1007), ends(gets.binary(large)), ends()],
  },
  text: { send: [slow, apart, text(Buffer.from([255, 254])), apart, ...behind], expect: either(1007) },
}

/**
 * What once ended a process, or the process of another's. Each has a server of its own: the others would not be heard any
 * more.
 */
export const section = 'Crashes'

export const cases = [
  {
    id: 'failing-while-a-message-inflates',
    rule: 'security: errors between writes that wait',
    ask: offer('permessage-deflate'),
    each: Object.fromEntries(
      [1, 2, 3].flatMap((round) =>
        Object.entries(kinds).map(([name, one]) => [`${name}, round ${round}`, one]),
      ),
    ),
  },
].map((one) => ({ ...one, own: true }))
