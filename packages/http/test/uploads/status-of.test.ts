import { BrokenError, ClosedError, LimitError, TimeoutError } from '@fairlead/core'
import { expect, expectTypeOf, test } from 'vitest'

import { fileErrorOf } from '../../src/disk/file-error.ts'
import * as http from '../../src/index.ts'
import {
  type DigestName,
  FileError,
  type Progress,
  type SaveOptions,
  statusOf,
} from '../../src/uploads/index.ts'

const { HttpProtocolError } = http

const system = (code: string): FileError => fileErrorOf('/a', Object.assign(new Error(code), { code }))

test.each([
  [new LimitError('a', { limit: 'parts', value: 1 }), 413],
  [new HttpProtocolError('a', { side: 'remote', statusHint: 415 }), 415],
  [new TimeoutError('a', { phase: 'body' }), 408],
  [new TimeoutError('a', { phase: 'handler' }), undefined],
  [new FileError('/a', 'b', 'ERR_FAIRLEAD_FILE_DIGEST'), 400],
  [new FileError('/a', 'b', 'ERR_FAIRLEAD_FILE_BUSY'), undefined],
  [system('EEXIST'), 409],
  [system('ENOSPC'), 507],
  [system('EDQUOT'), 507],
  [system('EFBIG'), 413],
  [system('ENAMETOOLONG'), 400],
  [system('EACCES'), undefined],
  [system('constructor'), undefined],
  [new FileError('/a', 'b'), undefined],
  [new BrokenError('a'), undefined],
  [new ClosedError('a'), undefined],
  [new Error('a'), undefined],
  [undefined, undefined],
  ['a', undefined],
])('%s is %s', (error, status) => {
  expect(statusOf(error)).toBe(status)
})

test('what options and errors consist of is there beside them', () => {
  expect(FileError).toBe(http.FileError)
  expectTypeOf<NonNullable<SaveOptions['digest']>>().toEqualTypeOf<DigestName>()
  expectTypeOf<NonNullable<SaveOptions['onProgress']>>().parameter(0).toEqualTypeOf<Progress>()
})
