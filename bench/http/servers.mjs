// The server that our own client is measured with: a process of its own, in C, which does little else than answer.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { json } from 'node:stream/consumers'

import { compile } from '../compile.mjs'

const answerer = compile(new URL('client/answerer.c', import.meta.url))

/** Why nothing is measured without it. */
export const missing = answerer ? undefined : 'needs Linux and a C compiler'

const milliseconds = 1_000
const mebibytes = 1_024

/** Some 140 bytes, as an API answers. */
const document = JSON.stringify({
  id: 4711,
  name: 'fairlead',
  kind: 'toolkit',
  open: true,
  ports: [7000, 7001, 7002],
  tags: ['tcp', 'udp', 'http'],
  at: '2026-11-21T12:00:00Z',
})

/** For a second, so many loops ask for a small document in JSON, each as soon as it has read the last one. */
export function asking(connections) {
  const url = answering(document)
  return async (port) => tell(port, { url: await url(), connections, milliseconds })
}

/** One answer of 1 GiB, in MiB. */
export function downloading() {
  const url = answering('', mebibytes * 1024 ** 2)
  return async (port) => {
    const { seconds, bytes } = await tell(port, { url: await url() })
    if (bytes !== mebibytes * 1024 ** 2) throw new Error(`${bytes} bytes came`)
    return { units: mebibytes, seconds }
  }
}

/** One body of 1 GiB, in MiB. The server answers when it has read it whole. */
export function uploading() {
  const url = answering('')
  return async (port) => {
    const { seconds } = await tell(port, { url: await url(), mebibytes })
    return { units: mebibytes, seconds }
  }
}

/** A way to the URL of a server that always answers with a body, and so many bytes behind it; begun when first asked. */
function answering(body, bytes = 0) {
  let url
  return () => (url ??= begin(body, bytes))
}

async function begin(body, bytes) {
  const answer = [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json',
    'Date: Sat, 21 Nov 2026 12:00:00 GMT',
    `Content-Length: ${body.length + bytes}`,
    '',
    body,
  ].join('\r\n')
  // It ends when its standard input does, and so with this process.
  const server = spawn(answerer, [String(bytes)], { stdio: ['pipe', 'pipe', 'inherit'] })
  server.stdin.write(`${answer.length}\n${answer}`)
  const [port] = await once(server.stdout, 'data')
  return `http://127.0.0.1:${Number(port)}/`
}

/** Tells a client what to do; resolves with what it tells when it is done. */
function tell(port, job) {
  const control = connect({ port, host: '127.0.0.1' })
  control.write(JSON.stringify(job))
  return json(control)
}
