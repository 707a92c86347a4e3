// What cases are written with. A case has
//
//   id       a name, once in the whole list
//   rule     what it cites: `9112 2.2` is section 2.2 of RFC 9112; `security: ...` tells of an attack
//   send     bytes (a string, one character a byte), or steps of it: bytes; `wait(n)` for that many answers, interim
//            ones counted; `end` for a half-close
//   methods  those of the requests, where one is not GET or POST: answers to HEAD have no body
//   expect   an outcome, or several of which one must come
//
// After the steps a last request is sent, which asks to close. It tells a connection that was kept from one that was
// closed, and one that is in step from one that is not, without a wait.

const CRLF = '\r\n'
const HOST = 'Host: a.example'

/** A head: its request line, these fields, the empty line. */
export const head = (line, ...fields) => [line, ...fields, '', ''].join(CRLF)

/** `GET /` with Host and these fields. */
export const get = (...fields) => head('GET / HTTP/1.1', HOST, ...fields)

/** A request of this line with Host and these fields. */
export const ask = (line, ...fields) => head(line, HOST, ...fields)

/** `POST /echo` with Host and these fields, and what follows its head. */
export const post = (body, ...fields) => head('POST /echo HTTP/1.1', HOST, ...fields) + body

/** The same with the body's length. */
export const echo = (body, ...fields) => post(body, `Content-Length: ${body.length}`, ...fields)

/** The same in chunks, which are given as they are sent. */
export const chunked = (chunks, ...fields) => post(chunks, 'Transfer-Encoding: chunked', ...fields)

export const wait = (answers) => ({ wait: answers })
export const end = { end: true }

/** These answers (a status, several that will do, or an object that tells more), and the connection goes on. */
export const kept = (...answers) => ({ answers, after: 'kept' })

/** These answers, and the end of the connection. */
export const closed = (...answers) => ({ answers, after: 'closed' })

/** These answers, and whatever comes of the connection. */
export const either = (...answers) => ({ answers, after: 'either' })

/** An answer that says no, with one of these statuses, and nothing more. */
export const refused = (...statuses) => closed(statuses.length > 0 ? statuses : 400)

/** The request is answered, or refused as malformed: what counts is that it does not get what it asks for. */
export const ok = kept(200)

/** An echo. */
export const echoed = (body) => kept({ status: 200, body })

/** A body that breaks off: refused, or, where the answer had begun, an answer that breaks off as well. */
export const broken = [refused(400), closed({ status: 200, cut: true })]

/** A request that would be answered if it were seen. None of those that are hidden in a case may be. */
export const hidden = ask('GET /hidden HTTP/1.1')
