import { createServer, request } from 'node:http'
import { Duplex } from 'node:stream'

/** A connection in memory: its reader is told of bytes by events, what it writes is dropped. */
class Line extends Duplex {
  _read() {}

  _write(chunk, encoding, done) {
    done()
  }

  setTimeout() {
    return this
  }

  setKeepAlive() {}
  setNoDelay() {}
  ref() {}
  unref() {}

  destroySoon() {}

  /** Everything at once, then the end of the stream. */
  tell(bytes) {
    this.emit('data', bytes)
    this.emit('end')
  }
}

function record(incoming, outcome) {
  const message = {
    method: incoming.method ?? undefined,
    target: incoming.method === null ? undefined : incoming.url,
    status: incoming.statusCode ?? undefined,
    reason: incoming.statusMessage ?? undefined,
    minor: incoming.httpVersionMajor === 1 ? incoming.httpVersionMinor : incoming.httpVersion,
    fields: incoming.rawHeaders,
    body: '',
    trailers: [],
    complete: false,
    interim: false,
    switched: false,
  }
  outcome.messages.push(message)
  // Its parser pushes into it: taken here, bytes and end are known at once and cost no turn of the event loop.
  incoming.push = (chunk) => {
    if (chunk === null) {
      message.complete = incoming.complete
      message.trailers = incoming.rawTrailers
    } else message.body += chunk.latin1Slice()
    return true
  }
  return message
}

function blank() {
  return { messages: [], error: undefined, why: '', rest: undefined }
}

function fail(outcome, error) {
  if (outcome.error !== undefined) return
  outcome.error = error.code ?? error.name
  outcome.why = error.reason ?? error.message
}

/**
 * What a server of `node:http` makes of bytes. It is strict, and its limits are those of our codec. That it asks for
 * a Host is switched off: it is not the parser's doing, and the answer to it hides behind those of a pipeline.
 */
export class RequestSide {
  #outcome
  #server = createServer({ insecureHTTPParser: false, maxHeaderSize: 16_384, requireHostHeader: false })

  constructor() {
    const server = this.#server
    server.timeout = server.keepAliveTimeout = 0
    server.maxHeadersCount = 100
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      server.on(event, (incoming) => record(incoming, this.#outcome))
    }
    for (const event of ['upgrade', 'connect']) {
      server.on(event, (incoming, line, rest) => {
        const message = record(incoming, this.#outcome)
        message.switched = message.complete = true
        this.#outcome.rest = rest.latin1Slice()
      })
    }
    server.on('clientError', (error) => fail(this.#outcome, error))
  }

  read(bytes) {
    const outcome = (this.#outcome = blank())
    const line = new Line({ allowHalfOpen: true })
    this.#server.emit('connection', line)
    line.tell(bytes)
    line.emit('close')
    return outcome
  }

  close() {
    this.#server.close()
  }
}

/** What clients of `node:http` make of the responses in `inputs`, each `{ method, bytes }`. */
export async function readResponses(inputs) {
  const asked = inputs.map(({ method, bytes }) => ask(method, bytes))
  await new Promise(setImmediate)
  return asked.map(({ line, bytes, outcome }) => {
    line.tell(bytes)
    line.emit('close')
    return outcome
  })
}

function ask(method, bytes) {
  const outcome = blank()
  const line = new Line({ allowHalfOpen: true })
  const client = request({
    method,
    path: method === 'CONNECT' ? 'a:1' : '/',
    headers: { Host: 'a' },
    createConnection: () => line,
    insecureHTTPParser: false,
    maxHeaderSize: 16_384,
  })
  client.on(
    'information',
    ({ statusCode, statusMessage, rawHeaders, httpVersionMajor, httpVersionMinor, httpVersion }) => {
      outcome.messages.push({
        method: undefined,
        target: undefined,
        status: statusCode,
        reason: statusMessage,
        minor: httpVersionMajor === 1 ? httpVersionMinor : httpVersion,
        fields: rawHeaders,
        body: '',
        trailers: [],
        complete: true,
        interim: true,
        switched: false,
      })
    },
  )
  client.on('response', (incoming) => record(incoming, outcome))
  for (const event of ['upgrade', 'connect']) {
    client.on(event, (incoming, socket, rest) => {
      const message = record(incoming, outcome)
      message.switched = message.complete = true
      outcome.rest = rest.latin1Slice()
    })
  }
  client.on('error', (error) => fail(outcome, error))
  client.end()
  return { line, bytes, outcome }
}
