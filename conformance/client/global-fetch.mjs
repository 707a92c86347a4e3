// The runtime's own `fetch`. Each case has a server of its own and so connections of its own.

import { bytesOf, failure, latin1, textOf } from './report.mjs'

export const name = 'fetch'
export const own = false

/** Not: informational answers, trailers, `Expect`, other protocols, and another way to connect. */
export const can = new Set(['reason', 'redirects', 'decode'])

export function open() {
  return { ask, close: async () => {} }
}

async function ask({ method, url, headers, body, pieces, redirects, signal, leave, onPiece, reason }) {
  let response
  try {
    response = await fetch(url, {
      method,
      headers,
      signal,
      body: pieces ? ReadableStream.from(bytesOf(pieces)) : latin1(body),
      redirect: redirects === 0 ? 'manual' : 'follow',
      ...(pieces && { duplex: 'half' }),
    })
  } catch (error) {
    return failure(error, reason)
  }
  const report = {
    status: response.status,
    reason: response.statusText,
    headers: Object.fromEntries(response.headers),
    cookies: response.headers.getSetCookie(),
    url: response.url,
    body: '',
  }
  if (leave === true) return report
  return textOf(response.body ?? [], report, { leave, onPiece, reason })
}
