// Asks a server over a plain socket, and makes of what came what can be compared.

import { connect } from 'node:net'

import { readAnswers } from '../http/answers.mjs'
import { changed, contents, files } from './files.mjs'

const day = 24 * 3600 * 1000
const date = (shift) => new Date(changed.getTime() + shift).toUTCString()
const lastModified = date(0)

/** Of no interest: when it was, who it was, and how the connection goes on. */
const ignored = new Set(['connection', 'date', 'keep-alive', 'server', 'transfer-encoding'])

/** Fields that every row has, in this order, before those that come beside. */
const shown = {
  'content-type': 'Content-Type',
  'content-length': 'Content-Length',
  'content-range': 'Content-Range',
  'content-encoding': 'Content-Encoding',
  etag: 'ETag',
  'last-modified': 'Last-Modified',
  'cache-control': 'Cache-Control',
  vary: 'Vary',
  'accept-ranges': 'Accept-Ranges',
  location: 'Location',
  allow: 'Allow',
}

/** Milliseconds after which nothing will come any more. */
const patience = 10_000

/** The answer to a request, by header: `Status`, the fields, and what its `Body` is. */
export async function ask(port, request) {
  const tag = await tagOf(port, request)
  const fill = (field) =>
    field
      .replaceAll('{tag}', tag ?? '""')
      .replaceAll('{weak}', `W/${tag?.replace(/^W\//, '') ?? '""'}`)
      .replaceAll('{date}', lastModified)
      .replaceAll('{before}', date(-day))
      .replaceAll('{after}', date(day))
  return describe(await exchange(port, request.line, request.fields.map(fill)), request.line, port)
}

async function tagOf(port, { line, fields }) {
  if (!fields.some((field) => /\{tag\}|\{weak\}/.test(field))) return undefined
  const { answer } = await exchange(port, line.replace(/^\S+/, 'GET'), [])
  return answer?.headers.etag
}

/** One request on a connection of its own, and what came until its end. */
function exchange(port, line, fields) {
  const [method] = line.split(' ', 1)
  const head = [`${line} HTTP/1.1`, 'Host: files.example', ...fields, 'Connection: close', '', ''].join(
    '\r\n',
  )
  return new Promise((resolve) => {
    const pieces = []
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(patience, () => socket.destroy())
    socket.on('data', (piece) => pieces.push(piece))
    socket.on('error', () => {})
    socket.on('close', () => {
      const { answers, trouble } = readAnswers(Buffer.concat(pieces).toString('latin1'), [method])
      resolve({ answer: answers[0], trouble: trouble ?? answers.length > 1 })
    })
    socket.write(head, 'latin1')
  })
}

/** An answer without what changes from run to run. */
function describe({ answer, trouble }, line, port) {
  if (!answer) return { Status: 'none' }
  const { status, headers, framing } = answer
  const described = { Status: String(status) }
  const set = (name, value) => {
    if (value !== undefined) described[name] = value === '' ? 'empty' : value
  }
  const parts = /^multipart\/byteranges; *boundary="?([^"]+)"?$/.exec(headers['content-type'] ?? '')
  const own = status >= 300 && status !== 304
  for (const [key, name] of Object.entries(shown)) set(name, headers[key])
  if (parts) described['Content-Type'] = 'multipart/byteranges; boundary=...'
  // What comes with an error is the server's own, and not compared.
  if (described['Content-Length'] && (parts || (own && described['Content-Length'] !== '0'))) {
    described['Content-Length'] = 'its own'
  } else if (framing === 'chunked') described['Content-Length'] = 'chunked'
  if (headers.etag) described.ETag = headers.etag.startsWith('W/') ? 'weak' : 'strong'
  if (headers['last-modified'] === lastModified) described['Last-Modified'] = "the file's"
  if (headers.location) described.Location = headers.location.replaceAll(`:${port}`, ':PORT')
  for (const [key, value] of Object.entries(headers)) {
    if (!(key in shown) && !ignored.has(key)) set(key, value)
  }
  described.Body = [
    bodyOf(answer, line, parts?.[1]),
    ...(answer.cut ? ['cut off'] : []),
    ...(trouble ? ['and bytes behind its end'] : []),
  ].join(', ')
  return described
}

/** What a body is a piece of, or undefined. */
function bodyOf({ status, headers, body }, line, boundary) {
  if (body === '') return 'none'
  const asked = contents.get(nameOf(line))
  if (boundary) return partsOf(body, boundary, asked)
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '')
  if (range) return sliceOf(body, range, asked)
  if (body === asked) return 'whole'
  const [known] = Array.from(contents).find(([, content]) => content === body) ?? []
  if (known) return `whole of ${known}`
  if (asked?.startsWith(body)) return `its first ${body.length} bytes`
  return status < 300 ? `${body.length} other bytes` : 'its own'
}

function nameOf(line) {
  const [path] = line.replace(/^\S+ (?:http:\/\/[^/]+)?\//, '').split('?', 1)
  try {
    const name = decodeURIComponent(path)
    return name in files || name === 'new.txt' ? name : undefined
  } catch {
    return undefined
  }
}

function sliceOf(body, [, from, to, size], whole) {
  const fits = (content) =>
    content?.length === Number(size) && content.slice(Number(from), Number(to) + 1) === body
  if (fits(whole)) return `bytes ${from}-${to}`
  const [known] = Array.from(contents).find(([, content]) => fits(content)) ?? []
  return known ? `bytes ${from}-${to} of ${known}` : `${body.length} other bytes`
}

/** The parts of a `multipart/byteranges`, RFC 9110 section 14.6. */
function partsOf(body, boundary, whole) {
  const pieces = `\r\n${body}`.split(`\r\n--${boundary}`)
  const [before, ...parts] = pieces
  if (before.trim() !== '' || parts.pop()?.trim() !== '--') return 'broken parts'
  const found = parts.map((part) => {
    const [head, ...rest] = part.split('\r\n\r\n')
    const range = /^content-range: *bytes (\d+)-(\d+)\/(\d+) *$/im.exec(head.replaceAll('\r', ''))
    return range ? sliceOf(rest.join('\r\n\r\n'), range, whole) : 'a part without Content-Range'
  })
  return `parts: ${found.join(', ')}`
}
