// Reads what a server sent, by the grammar of RFC 9112 and by nothing of Fairlead's: the one that is examined is no
// witness in its own cause.

const STATUS_LINE = /^HTTP\/(\d)\.(\d) (\d{3}) ([\t\x20-\x7e\x80-\xff]*)$/
const FIELD_LINE =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[\t ]*$/
const CHUNK = /^([0-9a-fA-F]{1,8})(?:[\t ]*;[^\r\n]*)?\r\n/

/**
 * The answers in `text`, to requests with these methods and to GET after them. `ended`: nothing more comes.
 *
 * An answer has `status`, `version`, `headers` (by lower case, lines joined), `body`, `framing`, and `cut` when its
 * end is missing. What is no answer stands in `trouble`.
 */
export function readAnswers(text, methods = [], ended = true) {
  const answers = []
  let at = 0
  let final = 0
  while (at < text.length) {
    const stop = text.indexOf('\r\n\r\n', at)
    if (stop < 0) return { answers, trouble: ended ? `half a head: ${show(text.slice(at))}` : undefined }
    const head = readHead(text.slice(at, stop))
    if (typeof head === 'string') return { answers, trouble: head }
    const method = methods[final] ?? 'GET'
    if (head.status >= 200) final++
    const body = readBody(head, method, text, stop + 4)
    if (typeof body === 'string') return { answers, trouble: body }
    if (body.cut && !ended) return { answers, trouble: undefined }
    answers.push({ ...head, ...body, method })
    at = body.stop
  }
  return { answers, trouble: undefined }
}

function readHead(text) {
  const [first = '', ...lines] = text.split('\r\n')
  const status = STATUS_LINE.exec(first)
  if (!status) return `no status line: ${show(first)}`
  const headers = Object.create(null)
  for (const line of lines) {
    const field = FIELD_LINE.exec(line)
    if (!field) return `no field line: ${show(line)}`
    const name = field[1].toLowerCase()
    headers[name] = name in headers ? `${headers[name]}, ${field[2]}` : field[2]
  }
  return { status: Number(status[3]), version: `${status[1]}.${status[2]}`, headers }
}

function readBody({ status, headers }, method, text, from) {
  const coding = headers['transfer-encoding']
  const length = headers['content-length']
  if (coding !== undefined && length !== undefined) return 'both Transfer-Encoding and Content-Length'
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') {
    return { framing: 'none', body: '', stop: from, cut: false }
  }
  if (coding !== undefined) return coding === 'chunked' ? readChunks(text, from) : `coding ${show(coding)}`
  if (length === undefined) return { framing: 'close', body: text.slice(from), stop: text.length, cut: false }
  if (!/^\d+$/.test(length)) return `length ${show(length)}`
  const stop = from + Number(length)
  return { framing: 'length', body: text.slice(from, stop), stop, cut: stop > text.length }
}

function readChunks(text, from) {
  let at = from
  let body = ''
  const cut = () => ({ framing: 'chunked', body, stop: text.length, cut: true })
  for (;;) {
    const line = CHUNK.exec(text.slice(at, at + 300))
    if (!line)
      return /^[0-9a-fA-F]*\r?$/.test(text.slice(at)) ? cut() : `no chunk: ${show(text.slice(at, at + 40))}`
    const size = Number.parseInt(line[1], 16)
    at += line[0].length
    if (size === 0) break
    body += text.slice(at, at + size)
    at += size
    if (at + 2 > text.length) return cut()
    if (text.slice(at, at + 2) !== '\r\n') return 'a chunk of another size than told'
    at += 2
  }
  for (;;) {
    const stop = text.indexOf('\r\n', at)
    if (stop < 0) return cut()
    if (stop === at) return { framing: 'chunked', body, stop: stop + 2, cut: false }
    if (!FIELD_LINE.test(text.slice(at, stop))) return `no trailer: ${show(text.slice(at, stop))}`
    at = stop + 2
  }
}

/** For people: one line, and not too long. */
export function show(text) {
  const line = JSON.stringify(text)
  return line.length > 160 ? `${line.slice(0, 150)}... (${text.length} bytes)` : line
}
