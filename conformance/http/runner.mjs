// Sends a case to a server, whole or byte by byte, and says what is wrong with what came.

import { connect } from 'node:net'

import { readAnswers, show } from './answers.mjs'
import { head } from './words.mjs'

/** Asks for the end, and is told from every other answer by its body. */
const SENTINEL = 'the last of this connection'
const sentinel =
  head('POST /echo HTTP/1.1', 'Host: a.example', 'Connection: close', `Content-Length: ${SENTINEL.length}`) +
  SENTINEL

/**
 * Milliseconds without anything, after which nothing will come. Nobody waits for a server that is right; for the other
 * one, which is known to fall silent, it is less.
 */
const patience = 5000

/** Larger steps go in pieces even byte by byte, or they would take their time. */
const bytewise = 20_000
const piece = 997

/** Turns of the event loop for a byte to leave in a packet of its own. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** What came of a case: the text, and how the connection ended. */
async function converse(port, { send, methods }, { whole, silence = patience }) {
  const steps = Array.isArray(send) ? send : [send]
  const halfClosed = steps.some((step) => step.end)
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
  let text = ''
  let over = false
  let ending = 'end'
  let wake = () => {}
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    text += chunk
    wake()
  })
  const gone = new Promise((resolve) => {
    const finish = (how) => {
      if (!over) ending = how
      over = true
      socket.destroy()
      wake()
      resolve()
    }
    socket.on('end', () => finish('end'))
    socket.on('error', () => finish('reset'))
    socket.on('close', () => finish('end'))
    socket.setTimeout(silence, () => finish('silence'))
  })
  const answered = () => readAnswers(text, methods, over).answers.length
  const write = async (bytes) => {
    if (whole) {
      socket.write(bytes, 'latin1')
      return
    }
    const size = bytes.length > bytewise ? piece : 1
    for (let at = 0; at < bytes.length && !over; at += size) {
      socket.write(bytes.slice(at, at + size), 'latin1')
      await turn()
    }
  }
  for (const step of steps) {
    if (over) break
    if (typeof step === 'string') await write(step)
    else if (step.end) socket.end()
    else while (!over && answered() < step.wait) await new Promise((resolve) => (wake = resolve))
  }
  if (!halfClosed && !over) await write(sentinel)
  await gone
  return { text, ending }
}

/** What is wrong with `seen`, or undefined. */
function judge({ methods, expect }, { text, ending }) {
  if (ending === 'silence') return `nothing more came: ${show(text)}`
  const { answers, trouble } = readAnswers(text, methods, true)
  if (trouble !== undefined) return trouble
  const last = answers.at(-1)
  const goesOn = last !== undefined && last.body === SENTINEL && !last.cut
  const own = goesOn ? answers.slice(0, -1) : answers
  const reasons = []
  for (const outcome of Array.isArray(expect) ? expect : [expect]) {
    const reason = differs(outcome, own, goesOn)
    if (reason === undefined) return undefined
    reasons.push(reason)
  }
  return reasons.join('; or: ')
}

function differs({ answers: expected, after }, answers, goesOn) {
  const statuses = answers.map(({ status, cut }) => `${status}${cut ? ' cut' : ''}`).join(', ') || 'nothing'
  if (answers.length !== expected.length) return `${expected.length} answers expected, got ${brief(statuses)}`
  for (const [at, want] of expected.entries()) {
    const reason = unlike(
      typeof want === 'object' && !Array.isArray(want) ? want : { status: want },
      answers[at],
    )
    if (reason !== undefined) return reason
  }
  if (after === 'kept' && !goesOn) return `the connection ended after ${brief(statuses)}`
  if (after === 'closed' && goesOn) return `the connection went on after ${brief(statuses)}`
  return undefined
}

function brief(text) {
  return text.length > 80 ? `${text.slice(0, 70)}...` : text
}

/** How an answer differs from what is wanted: status, version, framing, body, headers, cut. */
function unlike({ status, headers = {}, cut = false, ...rest }, answer) {
  const statuses = [status].flat()
  if (!statuses.includes(answer.status)) return `${statuses.join(' or ')} expected, got ${answer.status}`
  if (cut !== answer.cut) return cut ? 'the answer is whole' : `the answer is cut: ${show(answer.body)}`
  for (const [name, value] of Object.entries(rest)) {
    if (!matches(value, answer[name])) return `${name} is ${show(String(answer[name]))}`
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!matches(value, answer.headers[name])) return `${name} is ${show(String(answer.headers[name]))}`
  }
  return undefined
}

/** `null`: must not be there. */
function matches(wanted, value) {
  if (wanted === null) return value === undefined
  if (wanted instanceof RegExp) return value !== undefined && wanted.test(value)
  return wanted === value
}

/** Whether an answer that is cut, which a reset is to show, is among what may come. */
function mayBeCut({ expect }) {
  return [expect].flat().some(({ answers }) => answers.some((answer) => answer.cut))
}

/**
 * Sends `one` and resolves with why it failed, or with undefined. A reset takes away what the client had not read yet
 * (RFC 9112 section 9.6). Where it is to show that an answer was cut, there is another chance, and with `tries`
 * wherever a reset came, for a server that closes without lingering: so that it is judged by what it answers.
 */
async function examine(port, one, { tries = 1, ...options }) {
  if (mayBeCut(one)) tries = 4
  for (;;) {
    const seen = await converse(port, one, options)
    const reason = judge(one, seen)
    if (reason === undefined || --tries <= 0 || seen.ending !== 'reset') return reason
  }
}

/** Examines all `cases`, some at a time, and resolves with a map of those that failed and why. */
export async function examineAll(port, cases, options, atOnce = 24) {
  const failures = new Map()
  const queue = [...cases]
  const work = async () => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const reason = await examine(port, one, options)
      if (reason !== undefined) failures.set(one.id, reason)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return failures
}
