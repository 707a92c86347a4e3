import { create } from 'content-disposition'

/** Controls, and halves of surrogate pairs, which UTF-8 cannot tell. */
const unsayable = /[\p{Cc}\p{Surrogate}]/gu

/**
 * Content-Disposition with a name in whatever alphabet: `filename`, and `filename*` where that is not enough (RFC 6266
 * section 4.3, RFC 8187). Control characters and unpaired surrogates are left out.
 *
 * @example
 * disposition('Übersicht.pdf') // attachment; filename="?bersicht.pdf"; filename*=UTF-8''%C3%9Cbersicht.pdf
 */
export function disposition(name: string, type: 'attachment' | 'inline' = 'attachment'): string {
  const filename = name.replace(unsayable, '')
  return create(filename === '' ? undefined : filename, { type })
}
