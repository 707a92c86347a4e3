/**
 * What clients send, on the disk: a body, or the files of a form, streamed with limits, and nothing left of what did not
 * come whole.
 *
 * @packageDocumentation
 */
export { FileError } from '../disk/file-error.ts'
export type { DigestName } from '../disk/settings.ts'
export type { Progress } from '../message/progress.ts'
export type { FormLimits, SavedBody, SaveFormOptions, SaveOptions, SavePartOptions } from './options.ts'
export type { Part } from './part.ts'
export { parts } from './parts.ts'
export { saveBody } from './save-body.ts'
export { saveForm } from './save-form.ts'
export type { SavedForm } from './saved-form.ts'
export type { SavedPart } from './saved-part.ts'
export { statusOf } from './status-of.ts'
