// Fuzzes the codec: mutants of a corpus, and what must hold for any bytes. See packages/http/test/codec/fuzz/README.md.
//
//     node conformance/fuzz.mjs --runs 1000000 --seed 1

import { readFileSync, readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { holds } from '../packages/http/test/codec/fuzz/invariants.mjs'
import { mutate, numbers } from '../packages/http/test/codec/fuzz/mutator.mjs'

/** What `npm run build` made of `@fairlead/http/codec`. */
const CODEC = new URL('../packages/http/dist/codec.js', import.meta.url)
const CORPUS = new URL('../packages/http/test/codec/fuzz/corpus/', import.meta.url)

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    codec: { type: 'string', default: CODEC.href },
  },
})
const runs = Number(options.runs)
const seed = Number(options.seed)
const codec = await import(options.codec)
const corpus = readdirSync(CORPUS).map((name) => readFileSync(new URL(name, CORPUS)))

for (let run = 0; run < runs; run++) {
  const below = numbers(seed * 2 ** 20 + run)
  const bytes = run < corpus.length ? corpus[run] : mutate(corpus, below)
  try {
    holds(codec, bytes, below)
  } catch (error) {
    console.error(`run ${run} of seed ${seed}: ${error.stack}\n${JSON.stringify(bytes.latin1Slice())}`)
    process.exit(1)
  }
  if ((run + 1) % 100_000 === 0) console.log(`${run + 1} runs`)
}
console.log(`${runs} runs of seed ${seed} on ${corpus.length} messages: nothing found`)
