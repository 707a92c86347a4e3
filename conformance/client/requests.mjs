// Reads what a client sent, as it comes, by the strict grammar of RFC 9112 and by nothing of Fairlead's: the one that
// is examined is no witness in its own cause.

import { show } from '../http/answers.mjs'

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.1$/
const FIELD_LINE =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[\t ]*$/
const CHUNK = /^([0-9a-fA-F]{1,8})\r\n/

/** `[name in lower case, value]` of each line, or what is wrong with one. */
function readLines(lines) {
  const fields = []
  for (const line of lines) {
    const field = FIELD_LINE.exec(line)
    if (!field) return `no field line: ${show(line)}`
    fields.push([field[1].toLowerCase(), field[2]])
  }
  return fields
}

function joined(fields) {
  const headers = Object.create(null)
  for (const [name, value] of fields) headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  return headers
}

/** Of all connections. */
let count = 0

/**
 * The requests of one connection. Each has `line`, `method`, `target`, `fields` (name in lower case and value, as they
 * came), `headers` (lines joined), `body`, `trailers`, and `whole` once its end has come. What is no request stands in
 * `trouble`, and nothing more is read.
 */
export class RequestReader {
  requests = []
  trouble = undefined
  /** Whether anything has come at all. */
  any = false
  /** From `raw` on, everything that comes. */
  tunnel = ''
  #kept = ''
  #state = 'head'
  #left = 0
  #request

  /** What comes from here on is another protocol. */
  raw() {
    this.#state = 'raw'
    this.push('')
  }

  push(text) {
    this.any ||= text !== ''
    this.#kept += text
    while (this.trouble === undefined && this.#step());
  }

  /** True when there may be more to read in what was kept. */
  #step() {
    switch (this.#state) {
      case 'head':
        return this.#head()
      case 'length':
        return this.#length()
      case 'size':
        return this.#size()
      case 'data':
        return this.#data()
      case 'trailers':
        return this.#trailers()
      default:
        return this.#raw()
    }
  }

  #wrong(trouble) {
    this.trouble = trouble
    return false
  }

  #take(size) {
    const taken = this.#kept.slice(0, size)
    this.#kept = this.#kept.slice(size)
    return taken
  }

  #raw() {
    this.tunnel += this.#take(this.#kept.length)
    return false
  }

  #head() {
    const stop = this.#kept.indexOf('\r\n\r\n')
    if (stop < 0) return false
    const [line = '', ...lines] = this.#take(stop + 4)
      .slice(0, -4)
      .split('\r\n')
    const [, method, target] = REQUEST_LINE.exec(line) ?? []
    if (!method) return this.#wrong(`no request line: ${show(line)}`)
    const fields = readLines(lines)
    if (typeof fields === 'string') return this.#wrong(fields)
    const hosts = fields.filter(([name]) => name === 'host').length
    if (hosts !== 1) return this.#wrong(`${hosts} Host fields`)
    const headers = joined(fields)
    this.#request = {
      order: ++count,
      line,
      method,
      target,
      fields,
      headers,
      body: '',
      trailers: {},
      whole: false,
    }
    this.requests.push(this.#request)
    const { 'content-length': length, 'transfer-encoding': coding } = headers
    if (length !== undefined && coding !== undefined) return this.#wrong('both framings in a request')
    if (coding !== undefined && coding !== 'chunked') return this.#wrong(`coding ${show(coding)}`)
    if (length !== undefined && !/^\d+$/.test(length)) return this.#wrong(`length ${show(length)}`)
    if (coding !== undefined) this.#state = 'size'
    else if (length !== undefined) {
      this.#left = Number(length)
      this.#state = 'length'
    } else this.#end()
    return true
  }

  #end() {
    this.#request.whole = true
    this.#state = 'head'
    return true
  }

  #length() {
    const taken = this.#take(this.#left)
    this.#request.body += taken
    this.#left -= taken.length
    return this.#left === 0 && this.#end()
  }

  #size() {
    const line = CHUNK.exec(this.#kept)
    if (!line) {
      return /^[0-9a-fA-F]{0,8}\r?$/.test(this.#kept) ? false : this.#wrong(`no chunk: ${show(this.#kept)}`)
    }
    this.#take(line[0].length)
    this.#left = Number.parseInt(line[1], 16)
    this.#state = this.#left === 0 ? 'trailers' : 'data'
    return true
  }

  #data() {
    if (this.#left > 0) {
      const taken = this.#take(this.#left)
      this.#request.body += taken
      this.#left -= taken.length
    }
    if (this.#left > 0 || this.#kept.length < 2) return false
    if (this.#take(2) !== '\r\n') return this.#wrong('a chunk of another size than told')
    this.#state = 'size'
    return true
  }

  #trailers() {
    if (this.#kept.startsWith('\r\n')) {
      this.#take(2)
      return this.#end()
    }
    const stop = this.#kept.indexOf('\r\n\r\n')
    if (stop < 0) return false
    const fields = readLines(
      this.#take(stop + 4)
        .slice(0, -4)
        .split('\r\n'),
    )
    if (typeof fields === 'string') return this.#wrong(fields)
    this.#request.trailers = joined(fields)
    return this.#end()
  }
}
