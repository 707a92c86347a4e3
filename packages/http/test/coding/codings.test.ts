import { expect, test } from 'vitest'

import { Fields } from '../../src/codec/index.ts'
import { acceptedCodings, codingsOf } from '../../src/coding/decoder.ts'
import { encodings } from './decode.ts'

const of = (...values: string[]): readonly string[] | undefined =>
  codingsOf(new Fields(['Server', 'x', ...values.flatMap((value) => ['Content-encoding', value])]))

test('no Content-Encoding is nothing to decode, and neither is identity, however often', () => {
  expect(of()).toBeUndefined()
  expect(of('')).toBeUndefined()
  expect(of('identity')).toBeUndefined()
  expect(of('identity, Identity', ' , ')).toBeUndefined()
})

test('codings are read whatever their letter case, from a list or from several lines, in their order', () => {
  expect(of('GZip')).toEqual(['gzip'])
  expect(of('deflate\t,br')).toEqual(['deflate', 'br'])
  expect(of('gzip', 'br, gzip')).toEqual(['gzip', 'br', 'gzip'])
})

test('x-gzip is gzip', () => {
  expect(of('x-gzip')).toEqual(['gzip'])
})

test('empty members and identity among others count for nothing', () => {
  expect(of(', gzip,,identity, br ,')).toEqual(['gzip', 'br'])
})

test('with one coding that is not known, the body is left as it is', () => {
  expect(of('compress')).toBeUndefined()
  expect(of('gzip, aws-chunked')).toBeUndefined()
  expect(of('utf-8')).toBeUndefined()
  expect(of('gzip;q=1')).toBeUndefined()
  expect(of('__proto__')).toBeUndefined()
  expect(of('constructor')).toBeUndefined()
})

test('zstd is known where the runtime has it, and asked for there', () => {
  const has = encodings.some(({ coding }) => coding === 'zstd')
  expect(of('zstd')).toEqual(has ? ['zstd'] : undefined)
  expect(acceptedCodings).toBe(has ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br')
})
