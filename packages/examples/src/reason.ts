import { getSystemErrorMap } from 'node:util'

/** The system's code of an error, or an empty string. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** Why, on one line: the system's own words for its errors, without the name of the call that met them. */
export function reasonOf(error: unknown): string {
  const number = (error as { errno?: unknown } | null)?.errno
  const words = typeof number === 'number' ? getSystemErrorMap().get(number)?.[1] : undefined
  const text = words ?? (error instanceof Error ? error.message : String(error))
  return text.replace(/\s*\n\s*/g, ' ')
}
