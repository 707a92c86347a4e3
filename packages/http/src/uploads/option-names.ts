import { checkOptions } from '@fairlead/core/transport'

import type { FormLimits, SaveFormOptions, SaveOptions, SavePartOptions } from './options.ts'

type Names<T> = Readonly<Record<keyof T, true>>

const ofPart: Names<SavePartOptions> = {
  overwrite: true,
  mode: true,
  digest: true,
  expected: true,
  fsync: true,
  onProgress: true,
  signal: true,
}

const ofLimits: Names<FormLimits> = {
  parts: true,
  fields: true,
  files: true,
  nameSize: true,
  fieldSize: true,
  fieldsSize: true,
  fileSize: true,
  headerPairs: true,
  headerSize: true,
  totalSize: true,
}

/** The options that each function has. */
export const names = {
  save: ofPart,
  saveBody: { ...ofPart, maxSize: true, digestFields: true } satisfies Names<SaveOptions>,
  parts: ofLimits,
  saveForm: {
    ...ofLimits,
    folder: true,
    mode: true,
    digest: true,
    signal: true,
  } satisfies Names<SaveFormOptions>,
  keep: { overwrite: true, fsync: true },
} as const

/** @throws TypeError for what no options can be read from, and for an option that there is not. */
export function checkNames(what: keyof typeof names, options: object): void {
  checkOptions(what, options)
  for (const name in options) {
    // What somebody gave to all objects of the process is no option.
    if (Object.hasOwn(names[what], name) || !Object.hasOwn(options, name)) continue
    throw new TypeError(`Invalid option ${name}: there is no such option`)
  }
}
