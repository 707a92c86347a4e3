// Messages by the grammar of RFC 9112, each rule of which is broken now and then. Strings of latin1.

import {
  METHODS,
  ODD_METHODS,
  TARGETS,
  ODD_TARGETS,
  ODD_VERSIONS,
  ENDS,
  ODD_SPACES,
  ODD_HOSTS,
  ODD_LENGTHS,
  ODD_CODINGS,
  CONNECTIONS,
  UPGRADES,
  NAMES,
  ODD_NAMES,
  VALUES,
  ODD_VALUES,
  PIECES,
  ODD_SIZES,
  EXTENSIONS,
  ODD_EXTENSIONS,
  STATUSES,
  ODD_STATUSES,
  REASONS,
  ODD_REASONS,
  BYTES,
} from './vocabulary.mjs'

/** One in how many rules is broken. */
const ODDITY = 40

export class Generator {
  #random

  constructor(random) {
    this.#random = random
  }

  request() {
    const random = this.#random
    let text = random.once(60)
      ? random.pick(['\r\n', '\r\n\r\n', '\r\n\r\n\r\n', '\n', '\r', ' ', '\0', '\xef\xbb\xbf'])
      : ''
    const messages = random.once(4) ? 2 : 1
    for (let i = 0; i < messages; i++) text += this.#requestMessage()
    if (random.once(20)) text += random.pick(['\r\n', '\n', 'x', '\0', '\r\n\r\n', ' ', '\r', 'GET / HT'])
    return this.#mutate(text)
  }

  /** A response, and the method of the request that it answers. */
  response() {
    const random = this.#random
    const method = random.once(12) ? 'CONNECT' : random.pick(['GET', 'GET', 'GET', 'POST', 'HEAD'])
    let text = random.once(60) ? random.pick(['\r\n', '\n', '\r', ' ', '\0', 'x']) : ''
    if (random.once(8)) text += this.#responseMessage(random.pick(['100', '103', '102']))
    text += this.#responseMessage()
    if (random.once(16))
      text += random.pick(['\r\n', '\n', 'x', '\0', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'])
    return { method, text: this.#mutate(text) }
  }

  #often(usual, odd) {
    return this.#random.once(ODDITY) ? this.#random.pick(odd) : usual
  }

  #requestMessage() {
    const random = this.#random
    let method = random.pick(METHODS)
    let target = random.pick(TARGETS)
    if (method === 'CONNECT') target = random.pick(['a:443', '[::1]:1'])
    else if (method === 'OPTIONS' && random.once(2)) target = '*'
    else if (random.once(12))
      target = random.pick(['http://a/', 'http://a', 'http://a:8/b?c', 'https://[::1]/'])
    if (random.once(ODDITY)) method = random.pick(ODD_METHODS)
    target = this.#often(target, ODD_TARGETS)
    const version = random.once(10) ? random.pick(ODD_VERSIONS) : 'HTTP/1.1'
    const line = method + this.#often(' ', ODD_SPACES) + target + this.#often(' ', ODD_SPACES) + version
    const { fields, body } = this.#framing(random.once(method === 'CONNECT' ? 12 : 2))
    if (!random.once(30)) fields.push(this.#line('Host', this.#often('a', ODD_HOSTS)))
    if (random.once(60)) fields.push(this.#line('hOST', random.pick(['a', 'b', ''])))
    if (random.once(40))
      fields.push(this.#line('Expect', random.pick(['100-continue', '100-Continue', 'x', ''])))
    return line + this.#end() + this.#fields(fields) + body
  }

  #responseMessage(status) {
    const random = this.#random
    status ??= this.#often(random.pick(STATUSES), ODD_STATUSES)
    const version = random.once(10) ? random.pick(ODD_VERSIONS) : 'HTTP/1.1'
    const reason = this.#often(random.pick(REASONS), ODD_REASONS)
    const line = version + this.#often(' ', ODD_SPACES) + status + this.#often(' ', ODD_SPACES) + reason
    const bodiless = status < '200' || status === '204' || status === '304'
    const { fields, body } = this.#framing(bodiless ? random.once(6) : !random.once(6))
    return line + this.#end() + this.#fields(fields) + body
  }

  #fields(fields) {
    const random = this.#random
    if (random.once(6)) fields.push(this.#line('Connection', random.pick(CONNECTIONS)))
    if (random.once(24)) {
      fields.push(this.#line('Connection', random.pick(['upgrade', 'Upgrade, x', 'keep-alive, upgrade'])))
      fields.push(this.#line('Upgrade', random.pick(UPGRADES)))
    }
    for (let more = random.below(4); more > 0; more--) {
      const name = this.#often(random.pick(NAMES), ODD_NAMES)
      fields.push(this.#line(name, this.#often(random.pick(VALUES), ODD_VALUES)))
    }
    let text = ''
    while (fields.length > 0) text += fields.splice(random.below(fields.length), 1)[0]
    return text + this.#end()
  }

  #line(name, value) {
    return (
      name +
      this.#often(':', [' :', '\t:', '', '::', ': :', ';']) +
      this.#often(' ', ['', '\t', '  ', '\0', '\r\n ']) +
      value +
      this.#end()
    )
  }

  #end() {
    return this.#random.once(3 * ODDITY) ? this.#random.pick(ENDS) : '\r\n'
  }

  #framing(has) {
    const random = this.#random
    if (!has) return { fields: [], body: '' }
    const fields = []
    const body = random.pick(PIECES)
    const chunked = random.once(2)
    if (chunked)
      fields.push(this.#line('Transfer-Encoding', random.once(8) ? random.pick(ODD_CODINGS) : 'chunked'))
    else
      fields.push(
        this.#line('Content-Length', random.once(8) ? random.pick(ODD_LENGTHS) : String(body.length)),
      )
    if (random.once(40))
      fields.push(this.#line('Content-Length', random.pick([String(body.length), '5', ...ODD_LENGTHS])))
    if (random.once(40))
      fields.push(this.#line('Transfer-Encoding', random.pick(['chunked', ...ODD_CODINGS])))
    return { fields, body: chunked ? this.#chunks() : body }
  }

  #chunks() {
    const random = this.#random
    let text = ''
    for (let more = random.below(4); more > 0; more--) {
      const piece = random.pick(PIECES)
      const size = random.pick([
        piece.length.toString(16),
        piece.length.toString(16).toUpperCase(),
        `0${piece.length.toString(16)}`,
      ])
      text += this.#often(size, ODD_SIZES) + this.#extension() + this.#end() + piece + this.#end()
    }
    text +=
      this.#often('0', ['00', '000', '+0', '-0', '0x0', '', ' 0', '0 ', '0000000000000', '00000000000000']) +
      this.#extension() +
      this.#end()
    if (random.once(6)) {
      text += this.#line(
        this.#often('Digest', [...ODD_NAMES, 'Content-Length', 'host', 'Trailer']),
        this.#often('x', ODD_VALUES),
      )
    }
    return text + this.#end()
  }

  #extension() {
    if (!this.#random.once(10)) return ''
    return this.#random.pick(this.#random.once(2) ? EXTENSIONS : ODD_EXTENSIONS)
  }

  /** A byte or a few of them replaced, removed, inserted or doubled; the rest cut off. */
  #mutate(text) {
    const random = this.#random
    if (!random.once(5)) return text
    for (let more = 1 + random.below(2); more > 0; more--) {
      const at = random.below(text.length + 1)
      const byte = random.once(3) ? String.fromCharCode(random.below(256)) : random.pick(BYTES)
      const change = random.below(8)
      if (change < 3) text = text.slice(0, at) + byte + text.slice(at + 1)
      else if (change < 5) text = text.slice(0, at) + byte + text.slice(at)
      else if (change === 5) text = text.slice(0, at) + text.slice(at + 1 + random.below(3))
      else if (change === 6) text = text.slice(0, at) + text.slice(Math.max(0, at - random.below(12)))
      else text = text.slice(0, at)
    }
    return text
  }
}
