// Compares what came of a case with what may come of it.

import { show } from '../http/answers.mjs'
import { text } from './words.mjs'

/** Tells a connection that goes on from every other. */
const SENTINEL = 'the last of this connection'
export const sentinel = text(SENTINEL)
export const isSentinel = (event) => event?.kind === 'text' && event.data.toString('latin1') === SENTINEL

/** What is wrong with what came, or undefined. */
export function judge({ expect, before = 0 }, talk) {
  const { answers, reader } = talk
  const trouble = talk.trouble ?? reader?.trouble
  if (trouble !== undefined) return trouble
  if (talk.ending === 'silence') return `nothing more came behind ${said(talk)}`
  const reasons = []
  for (const outcome of [expect].flat()) {
    if (outcome.anything) return undefined
    const reason = outcome.nothing
      ? answers.length > 0 && `an answer: ${said(talk)}`
      : outcome.statuses
        ? unlikeRefusal(outcome, answers[before])
        : unlikeTalk(outcome, talk)
    if (!reason) return undefined
    reasons.push(reason)
  }
  return [...new Set(reasons)].join('; or: ')
}

function unlikeRefusal({ statuses, headers }, answer) {
  if (statuses.length === 0) return answer && `no answer expected, got ${answer.status}`
  if (answer === undefined) return `${statuses.join(' or ')} expected, got no answer`
  if (!statuses.includes(answer.status)) return `${statuses.join(' or ')} expected, got ${answer.status}`
  if (answer.cut) return 'the answer is cut'
  return unlikeFields(headers, answer)
}

/** `null`: must not be there. */
function unlikeFields(wanted, { headers }) {
  for (const [name, value] of Object.entries(wanted)) {
    const matches = value === null ? headers[name] === undefined : value.test(headers[name] ?? '')
    if (!matches) return `${name} is ${headers[name]}`
  }
  return undefined
}

function unlikeTalk({ events: wanted, after, headers = {}, somePongs = false, anyPongs = false }, talk) {
  const { reader, answers } = talk
  if (!reader) return `101 expected, got ${said(talk)}`
  const reason = unlikeFields(headers, answers.at(-1))
  if (reason !== undefined) return reason
  const came = reader.events.filter(({ kind }) => kind !== 'close' && kind !== 'ping')
  const farewell = reader.events.find(({ kind }) => kind === 'close')
  const last = came.findLastIndex(isSentinel)
  const goesOn = last >= 0 && came.splice(last, 1).length > 0
  for (const pongs of anyPongs ? [false] : [false, true]) {
    const difference = unlikeEvents(
      wanted.filter(({ kind }) => (kind === 'pong') === pongs),
      came.filter(({ kind }) => (kind === 'pong') === pongs),
      pongs && somePongs,
    )
    if (difference !== undefined) return `${difference}, ${said(talk)}`
  }
  if (after === 'open')
    return goesOn && farewell?.code === 1000 ? undefined : `it did not go on: ${said(talk)}`
  if (goesOn) return `it went on: ${said(talk)}`
  if (after === 'end')
    return farewell === undefined && reader.left === 0 ? undefined : `no end expected: ${said(talk)}`
  return after.includes(farewell?.code) ? undefined : `${after.join(' or ')} expected, got ${said(talk)}`
}

/** `some`: of the wanted ones any, in order, but the last among them (RFC 6455 section 5.5.3). */
function unlikeEvents(wanted, came, some) {
  const [one] = wanted
  if (some) {
    let at = 0
    for (const { data } of came) {
      while (at < wanted.length && !wanted[at].data.equals(data)) at++
      if (at++ >= wanted.length) return 'a Pong of no Ping'
    }
    return at === wanted.length || came.length === 0 ? undefined : 'no Pong of the last Ping'
  }
  if (wanted.length !== came.length)
    return `${wanted.length} ${one?.kind ?? 'events'} expected, got ${came.length}`
  const at = wanted.findIndex(
    ({ kind, data }, index) => kind !== came[index].kind || !data.equals(came[index].data),
  )
  if (at < 0) return undefined
  return `${wanted[at].kind} ${brief(wanted[at].data)} expected, got ${came[at].kind} ${brief(came[at].data)}`
}

const brief = (data) => show(data.toString('latin1', 0, 60))

/** What came, for people. */
function said({ answers, reader, ending }) {
  const statuses = answers.map(({ status }) => status)
  const events = reader?.events.map(({ kind, code, data }) =>
    kind === 'close' ? `close ${code}` : `${kind} ${brief(data)}`,
  )
  const all = [...statuses, ...(events?.length > 6 ? ['...', ...events.slice(-6)] : (events ?? []))]
  return [...all, ending].join(', ')
}
