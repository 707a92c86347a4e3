// `undici.request` with an agent for each case; redirects and codings by its own interceptors.

import { createRequire } from 'node:module'
import { connect } from 'node:net'

import { bytesOf, failure, joined, latin1, textOf } from './report.mjs'

const from = createRequire(new URL('../../packages/http/package.json', import.meta.url))
const { Agent, interceptors, request, upgrade } = from('undici')

export const name = 'undici'
export const own = false

/** Not: `Expect`, and trailers of a request. */
export const can = new Set([
  'reason',
  'trailers',
  'informational',
  'connect',
  'upgrade',
  'redirects',
  'decode',
])

export function open({ to, needs }) {
  const agent = new Agent(to && { connect: (options, callback) => dial(to, callback) })
  return {
    ask: (what) => (what.upgrade ? askUpgrade(agent, what) : ask(agent, needs, what)),
    close: () => agent.destroy(),
  }
}

function dial(to, callback) {
  const socket = connect({ ...to, noDelay: true })
  socket.once('connect', () => callback(null, socket))
  socket.once('error', callback)
}

/** The agent, with what else the case is about. */
function dispatcherFor(agent, needs, redirects) {
  const added = []
  if (needs.includes('redirects')) {
    added.push(interceptors.redirect({ maxRedirections: redirects, throwOnMaxRedirect: redirects > 0 }))
  }
  if (needs.includes('decode')) added.push(interceptors.decompress({ skipErrorResponses: false }))
  return added.length > 0 ? agent.compose(...added) : agent
}

async function ask(agent, needs, what) {
  const { method, url, headers, body, pieces, redirects = 10, signal, leave, onPiece, reason } = what
  const informational = []
  let response
  try {
    response = await request(url, {
      method,
      headers: headers.flat(),
      signal,
      body: pieces ? bytesOf(pieces) : latin1(body),
      dispatcher: dispatcherFor(agent, needs, redirects),
      onInfo: ({ statusCode, headers }) =>
        informational.push({ status: statusCode, headers: joined(headers) }),
    })
  } catch (error) {
    return failure(error, reason)
  }
  const history = response.context?.history ?? []
  const report = {
    status: response.statusCode,
    reason: response.statusText,
    headers: joined(response.headers),
    cookies: [response.headers['set-cookie'] ?? []].flat(),
    informational,
    url: String(history.at(-1) ?? url),
    body: '',
  }
  if (leave === true) {
    response.body.on('error', () => {})
    return report
  }
  await textOf(response.body, report, { leave, onPiece, reason })
  return { ...report, trailers: joined(response.trailers) }
}

async function askUpgrade(agent, { url, upgrade: protocol, sends, takes, reason }) {
  try {
    const { headers, socket } = await upgrade(url, { protocol, dispatcher: agent })
    const report = { status: 101, headers: joined(headers), body: '' }
    socket.on('error', () => {})
    if (sends) socket.write(sends, 'latin1')
    if (takes) {
      for await (const piece of socket) {
        report.body += piece.toString('latin1')
        if (report.body.length >= takes.length) break
      }
    }
    socket.destroy()
    return report
  } catch (error) {
    return failure(error, reason)
  }
}
