// Plays a case to a client, whole or byte by byte, and says what is wrong with what came of it.

import { LAST, LAST_BODY } from './conversation.mjs'
import { judge } from './judge.mjs'
import { Stage } from './stage.mjs'
import { get } from './words.mjs'

/** Milliseconds after which nothing will come of an ask. Nobody waits for a client that is right. */
const patience = 4000

/** What comes of an ask that takes no end. */
const hung = { hung: true, error: 'nothing came of it' }

async function within(promise, milliseconds, otherwise) {
  let timer
  const late = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds, otherwise)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** What an adapter is given: the URL, the signal, and `onPiece` for each piece of a body. */
function prepared(one, stage, origin) {
  const { abort, url, path, headers = [], ...rest } = one
  const controller = new AbortController()
  const reason = new Error('given up')
  const end = () => controller.abort(reason)
  if (abort === 'before') end()
  if (abort === 'cue') stage.cue = end
  return {
    ...rest,
    url: url === undefined ? origin + path : stage.fill(url),
    headers: headers.map(([name, value]) => [name, typeof value === 'string' ? stage.fill(value) : value]),
    signal: abort === undefined ? undefined : controller.signal,
    reason,
    onPiece: abort === 'body' ? end : () => {},
  }
}

async function converse(adapter, one, whole) {
  const scripts = (one.plays ?? [one.play]).map((script) => [script].flat())
  const stage = await new Stage(scripts, whole).open(one.listen ?? '127.0.0.1')
  const origin = stage.fill(one.origin ?? 'http://127.0.0.1:{port}')
  const to = { host: '127.0.0.1', port: stage.port }
  const needs = one.needs ?? []
  const client = adapter.open({ to: needs.includes('connect') ? to : undefined, needs })
  const perform = (what) =>
    within(client.ask(prepared(what, stage, origin)), patience, hung).finally(() => stage.tell())
  try {
    const asks = [one.ask ?? get()].flat()
    const reports = []
    if (one.together) reports.push(...(await Promise.all(asks.map(perform))))
    else {
      for (const what of asks) {
        if (what.wait) await new Promise((resolve) => setTimeout(resolve, what.wait))
        await stage.quiet()
        reports.push(await perform(what))
      }
    }
    await stage.quiet()
    const report = await perform(get(LAST))
    const right = report.status === 200 && report.body === LAST_BODY && report.error === undefined
    const closing = [one.ours ?? one.expect, one.expect].flat().some(({ after }) => after === 'closed')
    if (closing) await stage.until(() => stage.conversations.every(({ ending, last }) => ending || last))
    return {
      reports,
      conversations: stage.conversations,
      last: right ? undefined : (report.error ?? `it got ${report.status} ${JSON.stringify(report.body)}`),
    }
  } finally {
    stage.close()
    await client.close()
  }
}

/** Whether the client's API can express what the case asks for. */
export const applies = (adapter, { needs = [] }) => needs.every((need) => adapter.can.has(need))

/** Plays all `cases` that are for this client, some at a time, and resolves with a map of those that failed and why. */
export async function examineAll(adapter, cases, { whole }, atOnce = 16) {
  const failures = new Map()
  const queue = cases.filter((one) => applies(adapter, one))
  const work = async () => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const seen = await converse(adapter, one, whole)
      const reason = judge(one, seen, adapter.own)
      if (reason !== undefined) failures.set(one.id, reason)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return failures
}
