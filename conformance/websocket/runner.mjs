// Sends a case to a server in one of three ways and says what is wrong with what came.

import { isSentinel, judge, sentinel } from './judge.mjs'
import { patience, Talk } from './talk.mjs'
import { close, head, hello, open, refused } from './words.mjs'

/** How a case is sent: in how many writes, and whether its frames wait for the answer to the handshake. */
export const ways = ['whole', 'with the handshake', 'byte by byte']

const goodbye = close(1000)
const request = head('GET / HTTP/1.1', 'Host: a.example', 'Connection: close')

/** Asks how many WebSockets are open. */
const counting = { ask: head('GET /connections HTTP/1.1', 'Host: a.example'), expect: refused(200) }

/** The variants of a case, or the case itself. */
function variantsOf({ each, ...one }) {
  if (each === undefined) return [one]
  return Object.entries(each).map(([name, variant]) => ({ ...one, ...variant, variant: name }))
}

/** What came of a case. `opened`: the handshakes that came byte by byte before, and need not do so again. */
async function converse(server, one, { way, opened }) {
  const { ask = hello(), unasked = false, before = 0 } = one
  const steps = [one.send ?? []].flat()
  const whole = way !== 'byte by byte'
  const talk = new Talk(server, one)
  let opening = ask
  if (one.together || (way === 'with the handshake' && isTaken(one))) {
    while (Buffer.isBuffer(steps[0])) opening = Buffer.concat([opening, steps.shift()])
  }
  const asked = opening.toString('latin1')
  await talk.write(opening, whole || opened.has(asked))
  opened.add(asked)
  if (!unasked) await talk.until(() => talk.reader ?? talk.trouble ?? talk.answers[before])
  for (const step of steps) {
    if (talk.over) break
    // Nobody sends frames behind a refusal.
    if (talk.reader || !Buffer.isBuffer(step)) await perform(step, talk, whole)
  }
  if (!talk.over && !steps.some((step) => step.end)) {
    await (talk.reader ? sayGoodbye(talk, whole) : talk.write(request, whole))
  }
  await talk.gone
  return talk
}

/** Whether a handshake must be accepted. */
function isTaken({ expect }) {
  return [expect].flat().every(({ after, anything }) => after !== undefined || anything)
}

async function perform(step, talk, whole) {
  if (Buffer.isBuffer(step)) await talk.write(step, whole)
  else if ('wait' in step) await talk.until(() => talk.reader.over || talk.reader.events.length >= step.wait)
  else if (step.turns) await talk.wait(step.turns)
  else await (step.end ? talk.end() : talk.reset())
}

/** The Close frame waits for the echo before it: whoever has read it may answer nothing more (RFC 6455 section 5.5.1). */
async function sayGoodbye(talk, whole) {
  const { events } = talk.reader
  await talk.write(sentinel, whole)
  await talk.until(() => talk.settled || events.slice(-8).some(isSentinel))
  // A server that began to close waits for it.
  if (!talk.over) await talk.write(goodbye, true)
}

/** Sends `one` and resolves with why it failed, or with undefined. */
async function examine(server, one, options) {
  for (const variant of variantsOf(one)) {
    let tries = options.tries ?? 1
    for (;;) {
      const talk = await converse(server, variant, options)
      const reason = judge(variant, talk)
      if (reason === undefined) break
      if (--tries > 0 && talk.ending === 'reset') continue
      return variant.variant === undefined ? reason : `${variant.variant}: ${reason}`
    }
  }
  return undefined
}

/**
 * Examines all `cases`, some at a time, those `alone` behind the others, and resolves with a map of those that failed
 * and why. `server` is `{ port, secure }`.
 */
export async function examineAll(server, cases, given, atOnce = 24) {
  const options = { ...given, opened: new Set() }
  const failures = new Map()
  const work = async (queue) => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const reason =
        (await examine(server, one, options)) ?? (one.alone ? await held(server, options) : undefined)
      if (reason !== undefined) failures.set(one.id, reason)
    }
  }
  const together = cases.filter(({ alone }) => !alone)
  await Promise.all(Array.from({ length: atOnce }, () => work(together)))
  await work(cases.filter(({ alone }) => alone))
  return failures
}

/** The same of cases that a server may not outlive: `start` gives each of them one of its own. */
export async function examineEach(start, cases, given) {
  const failures = new Map()
  const options = { ...given, opened: new Set() }
  for (const one of cases) {
    const server = await start()
    const reason = await examine(server, one, options)
    const alive = (await examine(server, { expect: open() }, options)) === undefined
    if (!alive) failures.set(one.id, 'the server has crashed')
    else if (reason !== undefined) failures.set(one.id, reason)
    await server.stop()
  }
  return failures
}

/** Why a server that lost a client is not as it was before: another is not served, or the lost one is still held. */
async function held(server, options) {
  const other = await examine(server, { expect: open() }, options)
  if (other !== undefined) return `the next connection: ${other}`
  let count = ''
  for (const since = performance.now(); performance.now() - since < patience;) {
    const talk = await converse(server, counting, options)
    count = talk.answers[0]?.body
    if (count === '0') return undefined
  }
  return `${count} connections are held`
}
