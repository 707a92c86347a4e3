import { statusOf } from '@fairlead/http/uploads'

import { codeOf } from '../reason.ts'

/** What whoever sent something is told. */
export interface Refusal {
  readonly status: number
  readonly text: string
}

/** Why a body, a form or its files are not taken; undefined where the client has no part in it. `by` is who does not. */
export function refusalOf(error: unknown, by: 'hub' | 'server'): Refusal | undefined {
  const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
  const status = full ? 507 : statusOf(error)
  if (status === undefined) return undefined
  if (status === 413) return { status, text: `The file is too large for this ${by}.` }
  if (status === 507) return { status, text: `There is no space left on this ${by}.` }
  // Where on the disk it was to be is nobody's business.
  const { message } = error as Error
  return { status, text: message.replace(/^Cannot (read|save) [^:]*: /, 'It is not taken: ') }
}
