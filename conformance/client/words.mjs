// What cases are written with. A case has
//
//   id      a name, once in its section
//   rule    what it cites: `9112 6.3` is section 6.3 of RFC 9112, `Fetch 4.6` of the Fetch Standard; `security: ...` tells
//           of an attack
//   ask     what the client is asked to do, or several of it, one after the other. Default: GET /
//   play    what is played to the first request, once it has come: bytes, or steps
//   plays   the same for several, in their order, whatever connections they come on
//   expect  an outcome, or several of which one must come
//   ours    where the RFC leaves a choice and Fairlead has made one: the outcome that it is held to
//   needs   what a client's API must be able to express, or the case is not for it
//
// `{port}` stands for the server's port, and `{other}` for a second one, which is another origin.
//
// After the asks a last request is made, which is answered wherever it comes. It tells a connection that was kept from
// one that was closed, and one that is in step from one that takes part of a case for an answer.

const CRLF = '\r\n'

/** A head: its status line, these fields, the empty line. */
export const head = (line, ...fields) => [line, ...fields, '', ''].join(CRLF)

/** An answer with this status line and these fields, and with the body's length. */
export const answer = (line, body = '', ...fields) =>
  head(`HTTP/1.1 ${line}`, ...fields, `Content-Length: ${body.length}`) + body

/** 200 with a body and its length. */
export const ok = (body = 'hello', ...fields) => answer('200 OK', body, ...fields)

/** 200 with these fields and what follows the head. */
export const raw = (body, ...fields) => head('HTTP/1.1 200 OK', ...fields) + body

/** 200 with chunks, which are given as they are sent. */
export const chunked = (chunks, ...fields) => raw(chunks, 'Transfer-Encoding: chunked', ...fields)

/** Elsewhere. */
export const moved = (status, location, ...fields) =>
  answer(`${status} Moved`, '', `Location: ${location}`, ...fields)

// Steps of a script.
const step = (act, value) => ({ act, value })

/** First of all steps: does not wait for the request's body. */
export const begun = step('begun')
/** The rest of the request has come. */
export const rest = step('rest')
/** Nothing of its body comes. */
export const still = step('still')
/** What the client sends from here on is another protocol. */
export const tunnel = step('raw')
/** These bytes have come in it. */
export const bytes = (text) => step('bytes', text)
/** The client's ask number `count` has come to an end. */
export const told = (count) => step('told', count)
/** Now the client gives up what it waits for. */
export const abort = step('cue')
/** The client has closed the connection. */
export const gone = step('gone')
/** Reads nothing from here on. */
export const deaf = step('deaf')
/** Reads again. */
export const hear = step('hear')
export const pause = (milliseconds) => step('pause', milliseconds)
export const fin = step('fin')
export const reset = step('reset')

// What a client is asked to do. Beside method, path or url, headers (names and values as a list of pairs) and body:
//   pieces     a body that comes in pieces
//   wrong      how the call itself is to fail, nothing sent
//   redirects  how many are followed, 10 unless it is said
//   abort      gives up: 'before' the request, at the 'cue' of the script, or in the 'body' of the answer
//   leave      does not read the body, 'cancel': ends it behind its first piece
//   expect     waits with the body for 100 (Continue), or for so many milliseconds
//   upgrade    asks for that protocol, sends `sends` and takes as many bytes as `takes` has

export const get = (path = '/', rest = {}) => ({ method: 'GET', path, ...rest })
export const ask = (method, rest = {}) => ({ method, path: '/', ...rest })
export const post = (body, rest = {}) => ({ method: 'POST', path: '/', body, ...rest })

// What comes of an ask.

/** An answer with this status and body; the rest as in `unlike` of judge.mjs. */
export const answered = (status, body = '', rest = {}) => ({ status, body, ...rest })
/** The head of an answer, whatever its body. */
export const headed = (status, rest = {}) => ({ status, ...rest })
/** No answer. `facts` is what Fairlead's error says of it. */
export const failed = (facts) => ({ failed: true, facts })
/** No answer that looks whole: an error, or a body of which some came, a part of `body`, and then an error. */
export const broken = (body = '', facts) => ({ broken: body, facts })

// Outcomes: these reports, and what becomes of the connection that they came on.

/**
 * Nothing speaks against using the connection again, and Fairlead does. A client may close whatever it likes, so the
 * others are not held to that.
 */
export const kept = (...reports) => ({ reports, after: 'kept' })
/** It is closed, by the client where the server does not. */
export const closed = (...reports) => ({ reports, after: 'closed' })
export const either = (...reports) => ({ reports, after: 'either' })

/** Nothing is written, nor a connection made. */
export const refused = (facts) => ({ reports: [failed(facts)], after: 'either', connections: 0 })

/** The outcome with these requests, `{ line, headers, fields, body, trailers, at }` of each, `at` its connection. */
export const sending = (outcome, ...requests) => ({ ...outcome, requests })
export const on = (connections, outcome) => ({ ...outcome, connections })

/** Hidden in a case: it would be taken for an answer by a client that is out of step. */
export const poison = answer('200 OK', 'poison')
