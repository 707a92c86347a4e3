// The clients: processes of their own, which count bytes and do little else.

import { spawn } from 'node:child_process'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { compile } from '../compile.mjs'

const file = (name) => new URL(`client/${name}`, import.meta.url)
const asker = compile(file('asker.c'))
const transferrer = compile(file('transfer.c'))

/** Why what only the compiled clients can do is not measured. */
export const missing = asker && transferrer ? undefined : 'needs Linux and a C compiler'

/** A request without a body, as a small client sends it. */
export const hello = request('GET', '/', ['Accept: */*', 'User-Agent: bench'])

/** The text of a request. */
export function request(method, target, lines = [], body = '') {
  const length = body ? [`Content-Length: ${body.length}`] : []
  return [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...lines, ...length, '', body].join('\r\n')
}

/**
 * Keep-alive connections, which ask for `texts` in turn, `depth` of them on the way at a time. With a `rate`, so many
 * a second, whether answers come or not. Resolves with the `units`, the `seconds` they took, and of a rate `p50` and
 * `p99`, microseconds from when a request was due to the end of its answer.
 */
export async function ask(port, texts, { connections, requests, depth = 1, rate }) {
  const program = asker ? [asker] : [process.execPath, fileURLToPath(file('asker.mjs'))]
  const args = [port, connections, requests, depth, ...(rate ? [rate] : [])]
  const stdin = texts.map((text) => `${text.length}\n${text}`).join('')
  return { units: requests, ...(await told([...program, ...args.map(String)], stdin)) }
}

/** One request with a body of so many bytes; resolves with the `seconds`, and the bytes that `came`. */
export function transfer(port, head, bytes = 0) {
  return told([transferrer, String(port), String(bytes)], head)
}

/** What a client tells on its standard output. */
async function told([command, ...args], stdin) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}).end(stdin)
  return json(child.stdout)
}
