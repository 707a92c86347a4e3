// As much of Mocha as ws's tests use: `describe`, `it`, hooks around each test, `done`, `this.skip`.

import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds for a test. */
const patience = 3000

class Skipped extends Error {}

const root = { names: [], before: [], after: [] }
const tests = []
let current = root

export const globals = {
  describe(name, body) {
    const outer = current
    current = { names: [...outer.names, name], before: [...outer.before], after: [...outer.after] }
    body()
    current = outer
  },
  it(name, body) {
    const { names, before, after } = current
    tests.push({ name: [...names, name].join(' › '), body, before, after })
    return { timeout() {} }
  },
  beforeEach: (body) => current.before.push(body),
  afterEach: (body) => current.after.unshift(body),
}

/** Runs one after the other, and tells `report` of each `{ name, status, message }`. */
export async function runAll(report, clean) {
  for (const { name, body, before, after } of tests) {
    let status = 'passed'
    let message = ''
    try {
      for (const step of [...before, body]) await perform(step)
    } catch (error) {
      status = error instanceof Skipped ? 'skipped' : 'failed'
      message = status === 'failed' ? String(error?.message ?? error).trim() : ''
    }
    await Promise.all(after.map((step) => perform(step).catch(() => {})))
    await clean(status === 'failed')
    report({ name, status, message })
  }
}

/** What is thrown in a callback costs the test that is under way. */
async function perform(body) {
  const context = {
    skip() {
      throw new Skipped()
    },
  }
  const over = new AbortController()
  let crash
  const crashed = new Promise((_resolve, reject) => (crash = reject))
  process.on('uncaughtException', crash)
  try {
    await Promise.race([
      crashed,
      body.length > 0
        ? new Promise((resolve, reject) =>
            body.call(context, (error) => (error ? reject(error) : resolve(undefined))),
          )
        : body.call(context),
      delay(patience, undefined, { signal: over.signal }).then(() => {
        throw new Error('it did not end')
      }),
    ])
  } finally {
    over.abort()
    process.off('uncaughtException', crash)
  }
}
