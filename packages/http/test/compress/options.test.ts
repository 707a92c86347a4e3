import { describe, expect, test } from 'vitest'

import { compress, decompress } from '../../src/compress/index.ts'

const handler = (): Response => new Response()

describe('compress', () => {
  const wrong: [options: unknown, message: string][] = [
    [null, 'Invalid options of compress: null is not an object'],
    ['gzip', 'Invalid options of compress: string is not an object'],
    [{ treshold: 1 }, 'Invalid option treshold: there is no such option'],
    [{ codings: 'gzip' }, "Invalid option codings: must be a list of 'br', 'zstd' and 'gzip'"],
    [{ codings: [] }, "Invalid option codings: must be a list of 'br', 'zstd' and 'gzip'"],
    [{ codings: ['deflate'] }, "Invalid option codings: must be a list of 'br', 'zstd' and 'gzip'"],
    [{ codings: ['__proto__'] }, "Invalid option codings: must be a list of 'br', 'zstd' and 'gzip'"],
    [{ threshold: -1 }, 'Invalid option threshold: -1 is not a whole number from 0 up'],
    [{ threshold: 1.5 }, 'Invalid option threshold: 1.5 is not a whole number from 0 up'],
    [{ threshold: Infinity }, 'Invalid option threshold: Infinity is not a whole number from 0 up'],
    [{ threshold: '1' }, 'Invalid option threshold: 1 is not a whole number from 0 up'],
    [{ level: 6 }, 'Invalid options of level: number is not an object'],
    [{ level: { deflate: 6 } }, 'Invalid option level.deflate: there is no such coding'],
    [{ level: { br: 12 } }, 'Invalid option level.br: 12 is not a whole number from 0 to 11'],
    [{ level: { gzip: 0 } }, 'Invalid option level.gzip: 0 is not a whole number from 1 to 9'],
    [{ level: { zstd: 23 } }, 'Invalid option level.zstd: 23 is not a whole number from 1 to 22'],
    [{ level: { gzip: '6' } }, 'Invalid option level.gzip: 6 is not a whole number from 1 to 9'],
    [{ filter: true }, 'Invalid option filter: must be a function'],
  ]

  test.each(wrong)('refuses %j', (options, message) => {
    expect(() => compress(handler, options as object)).toThrow(message)
  })

  test.each([
    undefined,
    {},
    { codings: undefined, threshold: undefined, level: undefined, filter: undefined },
  ])('takes %j', (options) => {
    expect(compress(handler, options as object)).toBeTypeOf('function')
  })

  test('takes levels that are not said', () => {
    expect(compress(handler, { level: { br: 0, gzip: undefined as never } })).toBeTypeOf('function')
  })
})

describe('decompress', () => {
  const wrong: [options: unknown, message: string][] = [
    [null, 'Invalid options of decompress: null is not an object'],
    [{ maxBodysize: 1 }, 'Invalid option maxBodysize: there is no such option'],
    [{ maxBodySize: -1 }, 'Invalid option maxBodySize: -1 is not a whole number from 0 up'],
    [{ maxBodySize: NaN }, 'Invalid option maxBodySize: NaN is not a whole number from 0 up'],
    [{ limits: 1 }, 'Invalid options of limits: number is not an object'],
    [{ limits: { codings: 1 } }, 'Invalid option limits.codings: there is no such option'],
    [{ limits: { contentCodings: Infinity } }, 'Invalid option limits.contentCodings: Infinity is not'],
    [{ limits: { expansion: 0.5 } }, 'Invalid option limits.expansion: 0.5 is not'],
  ]

  test.each(wrong)('refuses %j', (options, message) => {
    expect(() => decompress(handler, options as object)).toThrow(message)
  })

  test('takes what lifts a limit', () => {
    const options = { maxBodySize: Infinity, limits: { expansion: Infinity, contentCodings: 0 } }
    expect(decompress(handler, options)).toBeTypeOf('function')
  })
})

test.each([compress, decompress])('both want a handler', (wrap) => {
  for (const none of [undefined, null, {}, 'handler']) {
    expect(() => wrap(none as never)).toThrow('Invalid option handler: must be a function')
  }
})
