import { type FieldsInit, rawFields } from '../message/fields-init.ts'
import { checkName, normalValue } from '../web/header-list.ts'

/** What is told of the file itself, and how it is framed. */
const own: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'transfer-encoding',
])

/** Fields that an application adds, as a list. @throws TypeError for what cannot be sent, or is not its to say. */
export function givenFields(init: FieldsInit): readonly string[] {
  const raw = rawFields(init)
  const list: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = checkName(raw[at])
    if (own.has(name.toLowerCase())) {
      throw new TypeError(`Invalid option headers: ${name} is told of the file itself`)
    }
    list.push(name, normalValue(raw[at + 1]))
  }
  return list
}

/** @throws TypeError as {@link givenFields}. */
export function checkFields(init: unknown): void {
  if (typeof init !== 'object' || init === null) {
    throw new TypeError('Invalid option headers: they are neither pairs nor a record')
  }
  givenFields(init as FieldsInit)
}
