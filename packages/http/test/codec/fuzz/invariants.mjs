// What must hold for any bytes whatever. Each `holds` throws where it does not.

const METHODS = ['GET', 'HEAD', 'CONNECT', 'GET', 'POST', 'GET']

/** Small enough that inputs of a few hundred bytes reach them. */
const TIGHT = {
  targetBytes: 12,
  headBytes: 160,
  fieldCount: 4,
  bodyBytes: 12,
  chunkExtensionBytes: 6,
  chunkExtensionsBytes: 16,
  trailerBytes: 40,
  interimResponses: 2,
}

/** Both roles, the limits as they are and tight; `below` chooses the splits. */
export function holds(codec, bytes, below) {
  for (const role of ['request', 'response']) {
    for (const limits of [undefined, TIGHT]) {
      const whole = read(codec, role, [bytes], limits, 0)
      checkAccount(whole, bytes)
      same(
        whole,
        read(
          codec,
          role,
          [...bytes].map((byte) => Buffer.of(byte)),
          limits,
          0,
        ),
        'byte by byte',
      )
      same(whole, read(codec, role, split(bytes, below), limits, 0), 'split')
      same(whole, read(codec, role, split(bytes, below), limits, 1 + below(7)), 'split, and paused')
    }
  }
}

/** Which callbacks pause: a bit each for heads, bodies and ends. */
const PAUSE_HEAD = 1
const PAUSE_BODY = 2
const PAUSE_END = 4

function read({ RequestParser, ResponseParser }, role, chunks, limits, pausing) {
  const events = []
  let told = 0
  let steps = 0
  const parser = new (role === 'request' ? RequestParser : ResponseParser)(
    {
      onHead(head) {
        steps++
        const { fields, ...rest } = head
        events.push(`head ${JSON.stringify(rest)} ${JSON.stringify(fields.raw)}`, '')
        if (pausing & PAUSE_HEAD) parser.pause()
      },
      onBody(chunk) {
        if (chunk.length === 0) throw new Error('an empty chunk was told')
        steps++
        told += chunk.length
        events[events.length - 1] += Buffer.from(chunk).latin1Slice()
        if (pausing & PAUSE_BODY) parser.pause()
      },
      onEnd(trailers) {
        steps++
        events.push(`end ${JSON.stringify(trailers?.raw)}`, '')
        if (pausing & PAUSE_END) parser.pause()
      },
    },
    limits,
  )
  if (role === 'response') for (const method of METHODS) parser.expect(method)
  let consumed = 0
  let left = ''
  let error
  try {
    for (let chunk of chunks) {
      for (;;) {
        const taken = parser.push(chunk)
        if (!Number.isInteger(taken) || taken < 0 || taken > chunk.length)
          throw new Error(`push returned ${taken}`)
        consumed += taken
        chunk = chunk.subarray(taken)
        if (!parser.paused) break
        parser.resume()
      }
      const rests = ['offered', 'waiting', 'switched'].includes(parser.state)
      if (chunk.length > 0 && !rests) throw new Error(`bytes were left, and the parser is ${parser.state}`)
      left += chunk.latin1Slice()
    }
    parser.end()
  } catch (thrown) {
    if (thrown?.name !== 'CodecError' || !(thrown instanceof Error)) throw thrown
    error = thrown.code
  }
  if (error !== undefined) {
    // It fails for good, whatever comes, and with the same error.
    for (const again of [() => parser.push(Buffer.from('GET')), () => parser.end()]) {
      let code
      try {
        again()
      } catch (thrown) {
        code = thrown.code
      }
      if (code !== error) throw new Error('an error was forgotten')
    }
  }
  return { events, told, steps, consumed, left, error }
}

/** Nothing is told that did not come, nothing that came is lost, and the work is in proportion. */
function checkAccount({ events, told, steps, consumed, left, error }, bytes) {
  if (error === undefined && consumed + left.length !== bytes.length)
    throw new Error('bytes are unaccounted for')
  if (told > bytes.length) throw new Error('more body was told than bytes came')
  if (steps > bytes.length + 1) throw new Error('more was told than bytes came')
  const text = bytes.latin1Slice()
  if (left !== '' && !text.endsWith(left)) throw new Error('what was left is not the end of what came')
  // Escaping makes 6 characters of one at most; the rest is the names of what a head says.
  const most = 400 * events.length + 6 * text.length
  if (events.reduce((sum, event) => sum + event.length, 0) > 2 * most)
    throw new Error('events are larger than the input')
}

function same(one, other, how) {
  const [a, b] = [one, other].map(({ events, left, error }) => JSON.stringify({ events, left, error }))
  if (a !== b) throw new Error(`${how}: ${b}\ninstead of ${a}`)
}

function split(bytes, below) {
  const places = Array.from({ length: 1 + below(4) }, () => below(bytes.length + 1)).toSorted((a, b) => a - b)
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length))
}
