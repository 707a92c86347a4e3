// Gives generated messages to our codec and to llhttp, Node's own parser, by way of `node:http`, and compares what
// the two make of them. Each class of disagreement must stand in differential/known.json, with its explanation.
//
//     node conformance/differential.mjs --inputs 1000000 --seed 1 [--requests | --responses] [--show CLASS] [--write]
//
// Of four inputs one is a response. `--show` prints inputs of the classes that hold a text, `--write` makes
// differential.md of the run. Exit code 1: a class is not explained.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { classify } from './differential/compare.mjs'
import { Generator } from './differential/generate.mjs'
import { RequestSide, readResponses } from './differential/llhttp.mjs'
import { readOurs } from './differential/ours.mjs'
import { Random } from './differential/random.mjs'
import { table } from './differential/table.mjs'

/** What `npm run build` made of `@fairlead/http/codec`. */
const CODEC = new URL('../packages/http/dist/codec.js', import.meta.url)
const KNOWN = new URL('differential/known.json', import.meta.url)
const TABLE = new URL('differential.md', import.meta.url)
const BATCH = 200

const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    requests: { type: 'boolean', default: false },
    responses: { type: 'boolean', default: false },
    show: { type: 'string' },
    write: { type: 'boolean', default: false },
    known: { type: 'string', default: fileURLToPath(KNOWN) },
    codec: { type: 'string', default: CODEC.href },
  },
})
const inputs = Number(options.inputs)
const seed = Number(options.seed)
const known = JSON.parse(readFileSync(options.known, 'utf8'))
const codec = await import(options.codec)

const generator = new Generator(new Random(seed))
const server = new RequestSide()
const run = {
  inputs: 0,
  requests: 0,
  responses: 0,
  agreed: 0,
  accepted: 0,
  refused: 0,
  counts: new Map(),
  examples: new Map(),
}

while (run.inputs < inputs) {
  const answers = []
  for (let i = 0; i < BATCH && run.inputs < inputs; i++, run.inputs++) {
    if (options.responses || (!options.requests && run.inputs % 4 === 3)) {
      const { method, text } = generator.response()
      answers.push({ method, bytes: Buffer.from(text, 'latin1') })
      run.responses++
    } else {
      const bytes = Buffer.from(generator.request(), 'latin1')
      run.requests++
      compare('request', undefined, bytes, server.read(bytes))
    }
  }
  const theirs = await readResponses(answers)
  for (const [at, { method, bytes }] of answers.entries()) compare('response', method, bytes, theirs[at])
}
server.close()

function compare(role, method, bytes, theirs) {
  const ours = readOurs(codec, method, bytes)
  const verdict = classify(ours, theirs)
  if (verdict === undefined) {
    run.agreed++
    if (ours.error === undefined) run.accepted++
    else run.refused++
    return
  }
  const name = `${role}: ${verdict}`
  run.counts.set(name, (run.counts.get(name) ?? 0) + 1)
  const examples = run.examples.get(name) ?? []
  if (examples.length < 5) run.examples.set(name, [...examples, { method, bytes, ours, theirs }])
}

const unexplained = [...run.counts.keys()].filter((name) => !known.some((it) => it.class === name))
const text = table(run, known, { seed, node: process.versions.node, llhttp: process.versions.llhttp })
console.log(text)
if (options.write) writeFileSync(TABLE, text)
if (options.show !== undefined) {
  for (const [name, examples] of run.examples) {
    if (!name.includes(options.show)) continue
    console.log(`\n${name} (${run.counts.get(name)})`)
    for (const { method = '', bytes, ours, theirs } of examples) {
      console.log(` ${method} ${JSON.stringify(bytes.latin1Slice())}`)
      console.log(`   ours:   ${brief(ours)}\n   llhttp: ${brief(theirs)}`)
    }
  }
}
for (const name of unexplained) console.error(`not explained: ${name} (${run.counts.get(name)})`)
process.exitCode = unexplained.length > 0 ? 1 : 0

function brief({ messages, error, why, rest }) {
  const lines = messages.map(
    (it) =>
      `${it.method ?? it.status} ${it.target ?? ''} 1.${it.minor} ${JSON.stringify(it.fields)} ${JSON.stringify(it.body)} ${it.complete}`,
  )
  if (error !== undefined) lines.push(`${error} (${why})`)
  if (rest !== undefined) lines.push(`rest ${JSON.stringify(rest)}`)
  return lines.join(' | ')
}
