import { readFileSync, readdirSync } from 'node:fs'

import { expect, test } from 'vitest'

import * as codec from '../../src/codec/index.ts'

type Below = (end: number) => number

interface Fuzz {
  numbers(seed: number): Below
  mutate(corpus: readonly Buffer[], below: Below): Buffer
  holds(parsers: Pick<typeof codec, 'RequestParser' | 'ResponseParser'>, bytes: Buffer, below: Below): void
}

/** Plain JavaScript, which conformance/fuzz.mjs runs on what was built. */
const load = (name: string) => import(new URL(name, import.meta.url).href) as Promise<Fuzz>
const { numbers, mutate } = await load('fuzz/mutator.mjs')
const { holds } = await load('fuzz/invariants.mjs')

const folder = new URL('fuzz/corpus/', import.meta.url)
const names = readdirSync(folder)
const corpus = names.map((name) => readFileSync(new URL(name, folder)))

test('the corpus holds what must hold', () => {
  expect(names.length).toBeGreaterThanOrEqual(60)
  for (const [index, bytes] of corpus.entries()) {
    expect(() => holds(codec, bytes, numbers(index)), names[index]).not.toThrow()
  }
})

test('no two messages of the corpus are the same', () => {
  expect(new Set(corpus.map((bytes) => bytes.toString('latin1'))).size).toBe(corpus.length)
})

// conformance/fuzz.mjs does the same a million times.
test('so do its mutants', () => {
  for (let seed = 0; seed < 1500; seed++) {
    const below = numbers(seed)
    const bytes = mutate(corpus, below)
    expect(() => holds(codec, bytes, below), `mutant ${seed}: ${bytes.toString('latin1')}`).not.toThrow()
  }
})

test('a parser that loses a byte, or throws what it must not, is found out', () => {
  const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')
  class Loses extends codec.RequestParser {
    override push(chunk: Uint8Array): number {
      return super.push(chunk.length > 20 ? chunk.subarray(0, -1) : chunk)
    }
  }
  class Throws extends codec.RequestParser {
    override push(chunk: Uint8Array): number {
      if (chunk.length === 1) throw new RangeError('not a CodecError')
      return super.push(chunk)
    }
  }
  for (const RequestParser of [Loses, Throws]) {
    expect(() => holds({ ...codec, RequestParser }, bytes, numbers(1))).toThrow(Error)
  }
})
