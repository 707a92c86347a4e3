// Sends `count` requests to a server that is restarted all the while, 20 at once. One that fails, and may be sent again,
// is: under another token, which is noted in the file `told` when the request was a POST. Says in JSON what came of them.

import { openSync, writeSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'

import { Client, RequestError } from '@fairlead/http'

const [port, count, told] = process.argv.slice(2)
const journal = openSync(told, 'a')
const client = new Client({ base: `http://127.0.0.1:${port}/` })
const outcome = { answered: 0, lost: 0, again: 0, retries: 0, phases: {}, wrong: [] }
let next = 1

async function* pieces(size) {
  for (let sent = 0; sent < size; sent += 1_000) yield new Uint8Array(Math.min(1_000, size - sent))
}

/** Half of them are GET; a POST has text, bytes or pieces, of a few bytes up to some 100 KB. */
function optionsOf(number) {
  if (number % 2 === 0) return { method: 'GET', size: 0 }
  const size = number % 9 === 0 ? number * 20 : number % 300
  const bodies = [() => 'x'.repeat(size), () => new Uint8Array(size), () => pieces(size)]
  return { method: 'POST', body: bodies[(number >> 1) % 3](), size }
}

async function ask(number) {
  for (let attempt = 0; ; attempt++) {
    const { size, ...options } = optionsOf(number)
    const token = `${number}-${attempt}`
    try {
      const response = await client.request(`/${token}`, options)
      const text = await response.text()
      const length = number % 11 === 0 ? (number * 31) % 100_000 : number % 500
      const head = `${options.method} ${token} ${size} `
      const right = text.startsWith(head) && text.length === head.length + length
      if (response.status !== 200 || !right) outcome.wrong.push(`${head}: ${text.slice(0, 40)}`)
      return void outcome.answered++
    } catch (error) {
      if (!(error instanceof RequestError) || !error.code.startsWith('ERR_FAIRLEAD_')) {
        return void outcome.wrong.push(`${token}: ${String(error)}`)
      }
      outcome.phases[error.phase] = (outcome.phases[error.phase] ?? 0) + 1
      if (!error.retryable) return void outcome.lost++
      if (options.method === 'POST') writeSync(journal, `POST ${token}\n`)
      outcome.again++
      await after(2)
    }
  }
}

async function worker() {
  while (next <= Number(count)) {
    const number = next++
    await ask(number)
    if (number % 100 === 0) console.log(`${number} sent`)
  }
}

await Promise.all(Array.from({ length: 20 }, worker))
outcome.retries = client.stats().retries
await client.close()
console.log(JSON.stringify(outcome))
