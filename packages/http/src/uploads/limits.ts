import { LimitError } from '@fairlead/core'

import { checkSize } from '../disk/settings.ts'
import type { FormLimits } from './options.ts'

const defaults: Required<FormLimits> = {
  parts: 1_000,
  fields: 1_000,
  files: 100,
  nameSize: 1024,
  fieldSize: 1024 * 1024,
  fieldsSize: 4 * 1024 * 1024,
  fileSize: 1024 * 1024 * 1024,
  headerPairs: 32,
  headerSize: 16 * 1024,
  totalSize: 1024 * 1024 * 1024,
}

/** With the defaults. @throws RangeError that names the limit. */
export function limitsOf(given: FormLimits): Required<FormLimits> {
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as (keyof FormLimits)[]) {
    checkSize(name, given[name])
    limits[name] = given[name] ?? defaults[name]
  }
  return limits
}

const nouns: Readonly<Record<keyof FormLimits, string>> = {
  parts: 'parts',
  fields: 'fields',
  files: 'files',
  nameSize: 'bytes in a name',
  fieldSize: 'bytes in a field',
  fieldsSize: 'bytes in all fields',
  fileSize: 'bytes in a file',
  headerPairs: 'header fields in a part',
  headerSize: 'bytes in the header of a part',
  totalSize: 'bytes',
}

/** @throws LimitError for a `value` beyond the limit of that name. */
export function checkLimit(limits: Required<FormLimits>, limit: keyof FormLimits, value: number): void {
  if (value <= limits[limit]) return
  const why = `more than ${limits[limit]} ${nouns[limit]}`
  throw new LimitError(`Cannot read form: ${why}`, { limit, value, phase: 'body' })
}
