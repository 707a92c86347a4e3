/**
 * What our codec makes of bytes: `messages`, each `complete` or not, and how it ended: `error` (with `why`, the
 * message of it), `rest` (what stays for another protocol), or neither.
 */
export function readOurs({ RequestParser, ResponseParser }, method, bytes) {
  const messages = []
  const outcome = { messages, error: undefined, why: '', rest: undefined }
  let message
  const parser = new (method === undefined ? RequestParser : ResponseParser)({
    onHead(head) {
      message = {
        method: head.method,
        target: head.target,
        status: head.status,
        reason: head.reason,
        minor: head.minor,
        fields: head.fields.raw,
        body: '',
        trailers: [],
        complete: head.status === 101 || head.tunnel === true,
        interim: head.status < 200 && head.status !== 101,
        last: !head.keepAlive,
        asked: method,
        switched:
          method === undefined
            ? head.upgrade !== undefined || head.method === 'CONNECT'
            : head.status === 101 || head.tunnel,
      }
      messages.push(message)
    },
    onBody(chunk) {
      message.body += chunk.latin1Slice()
    },
    onEnd(trailers) {
      message.complete = true
      if (trailers !== undefined) message.trailers = trailers.raw
    },
  })
  if (method !== undefined) parser.expect(method)
  try {
    const consumed = parser.push(bytes)
    if (['offered', 'waiting', 'switched'].includes(parser.state)) outcome.rest = bytes.latin1Slice(consumed)
    else parser.end()
  } catch (error) {
    if (error.name !== 'CodecError') throw error
    outcome.error = error.code.replace('ERR_FAIRLEAD_HTTP_', '')
    outcome.why = error.message.replace('Cannot read message: ', '')
  }
  return outcome
}
