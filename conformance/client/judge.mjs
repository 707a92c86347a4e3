// What is wrong with what came of a case.

import { show } from '../http/answers.mjs'

/** Why none of the outcomes is what came, or undefined. */
export function judge(one, seen, own) {
  const trouble = seen.conversations.map((it) => it.reader.trouble ?? it.trouble).find(Boolean)
  if (trouble !== undefined) return trouble
  if (seen.last !== undefined) return `the next request: ${seen.last}`
  const reasons = []
  for (const outcome of [own ? (one.ours ?? one.expect) : one.expect].flat()) {
    const reason = differs(outcome, seen, own)
    if (reason === undefined) return undefined
    reasons.push(reason)
  }
  return [...new Set(reasons)].join('; or: ')
}

function differs({ reports, after, connections, requests }, seen, own) {
  for (const [at, wanted] of reports.entries()) {
    const reason = unlike(wanted, seen.reports[at], own)
    if (reason !== undefined) return reports.length > 1 ? `ask ${at + 1}: ${reason}` : reason
  }
  const before = seen.conversations.filter(
    ({ requests, last, reader }) => requests.length > 0 || (reader.any && !last),
  )
  if (connections !== undefined && before.length !== connections) {
    return `${before.length} connections, not ${connections}`
  }
  const goesOn = before.some(({ last }) => last)
  if (after === 'kept' && own && !goesOn) return 'the connection was not used again'
  if (after === 'closed' && goesOn) return 'the connection was used again'
  if (after === 'closed' && !before.every(({ ending }) => ending)) return 'the connection was left open'
  return requests && unlikeAll(requests, before)
}

function unlikeAll(wanted, conversations) {
  const came = conversations.flatMap(({ requests }, at) => requests.map((one) => ({ ...one, at: at + 1 })))
  came.sort((a, b) => a.order - b.order)
  if (came.length !== wanted.length) {
    return `${wanted.length} requests expected, got ${came.map(({ line }) => line).join(', ') || 'none'}`
  }
  for (const [index, { headers = {}, ...rest }] of wanted.entries()) {
    for (const [name, value] of Object.entries(rest)) {
      if (!matches(value, came[index][name])) return `${name} of the request is ${text(came[index][name])}`
    }
    for (const [name, value] of Object.entries(headers)) {
      if (!matches(value, came[index].headers[name])) {
        return `${name} of the request is ${text(came[index].headers[name])}`
      }
    }
  }
  return undefined
}

const text = (value) => show(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'missing'))

/** `null`: must not be there. */
function matches(wanted, value) {
  if (wanted === null) return value === undefined
  if (wanted instanceof RegExp) return value !== undefined && wanted.test(value)
  if (typeof wanted === 'function') return wanted(value)
  if (Array.isArray(wanted)) return JSON.stringify(wanted) === JSON.stringify(value)
  return wanted === value
}

function told(report) {
  if (report.error) return `it failed: ${report.error}`
  return `${report.status} ${show(report.body)}`
}

/** How a report differs from what is wanted: failed or broken; status, body, headers and whatever else there is. */
function unlike({ failed, broken, facts, status, headers = {}, ...rest }, report, own) {
  if (report.hung) return 'nothing came of it'
  if (failed && (report.error === undefined || report.cut)) return `it did not fail: ${told(report)}`
  if (broken !== undefined) {
    if (report.error === undefined) return `it looks whole: ${told(report)}`
    if (report.cut && !broken.startsWith(report.body)) return `it has ${show(report.body)}`
  }
  if (failed || broken !== undefined) return own ? otherFacts(facts ?? {}, report.facts) : undefined
  if (report.error !== undefined) return told(report)
  if (![status].flat().includes(report.status)) return `${status} expected, got ${report.status}`
  for (const [name, value] of Object.entries(rest)) {
    if (!matches(value, report[name])) return `${name} is ${text(report[name])}`
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!matches(value, report.headers[name])) return `${name} is ${text(report.headers[name])}`
  }
  return undefined
}

/** What the error tells of its request: phase, code, retryable, and so on. */
function otherFacts(wanted, facts = {}) {
  for (const [name, value] of Object.entries(wanted)) {
    const right =
      typeof value === 'object' && !(value instanceof RegExp)
        ? value.includes(facts[name])
        : matches(value, facts[name])
    if (!right) return `the error's ${name} is ${text(facts[name])}`
  }
  return undefined
}
