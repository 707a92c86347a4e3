// Fairlead's own client, as it is built.

import { Client } from '../../packages/http/dist/index.js'
import { connect } from '../../packages/tcp/dist/index.js'
import { bytesOf, failure, joined, latin1, textOf } from './report.mjs'

export const name = 'Fairlead'
export const own = true

export const can = new Set([
  'reason',
  'raw',
  'trailers',
  'informational',
  'connect',
  'upgrade',
  'redirects',
  'decode',
  'expect',
  'out-trailers',
])

export function open({ to }) {
  const client = new Client(to && { connect: ({ signal }) => connect({ ...to, signal }) })
  return {
    ask: (what) => (what.upgrade ? askUpgrade(client, what) : ask(client, what)),
    close: async () => client.destroy(),
  }
}

const lines = (fields) =>
  joined(Object.fromEntries([...(fields ?? [])].map(([name]) => [name, fields.all(name)])))

async function ask(client, what) {
  const { method, url, headers, body, pieces, trailers, redirects, expect, signal, leave, onPiece, reason } =
    what
  let response
  try {
    response = await client.request(url, {
      method,
      headers,
      ...(body !== undefined && { body: latin1(body) }),
      ...(pieces && { body: bytesOf(pieces) }),
      ...(trailers && { trailers: () => trailers }),
      ...(redirects !== undefined && { redirects }),
      ...(expect !== undefined && { expectContinue: expect }),
      ...(signal && { signal }),
    })
  } catch (error) {
    return failure(error, reason)
  }
  const report = {
    status: response.status,
    reason: response.reason,
    headers: lines(response.headers),
    raw: [...response.headers.raw],
    cookies: response.headers.all('set-cookie'),
    informational: response.informational.map(({ status, headers }) => ({ status, headers: lines(headers) })),
    url: response.url,
    body: '',
  }
  if (leave === true) return report
  await textOf(response, report, { leave, onPiece, reason })
  return { ...report, trailers: lines(response.trailers) }
}

async function askUpgrade(client, { url, upgrade, sends, takes, reason }) {
  try {
    const { connection, head, response } = await client.upgrade(url, { protocol: upgrade })
    const report = {
      status: response.status,
      headers: lines(response.headers),
      body: Buffer.from(head).toString('latin1'),
    }
    if (sends) await connection.send(sends)
    if (report.body.length < takes.length) {
      for await (const piece of connection) {
        report.body += Buffer.from(piece).toString('latin1')
        if (report.body.length >= takes.length) break
      }
    }
    connection.destroy()
    return report
  } catch (error) {
    return failure(error, reason)
  }
}
