import { Fields } from '../codec/index.ts'

/**
 * Fields as an application writes them: a record, where an array makes a line of each value; pairs; or
 * {@link Fields}, which are written as they stand.
 */
export type FieldsInit =
  | Readonly<Record<string, string | number | readonly string[]>>
  | Iterable<readonly [string, string]>
  | Fields

/**
 * Name and value in turn, as the codec writes them.
 *
 * @throws TypeError for a value that is neither text, nor a number, nor an array.
 */
export function rawFields(init: FieldsInit): readonly string[] {
  if (init instanceof Fields) return init.raw
  const raw: string[] = []
  if (Symbol.iterator in init) {
    for (const [name, value] of init as Iterable<readonly [string, string]>) raw.push(name, value)
    return raw
  }
  // Pairs of an array each, as Object.entries has them, would be made to be thrown away.
  for (const name of Object.keys(init)) {
    const value = init[name]
    if (typeof value === 'string') raw.push(name, value)
    else if (Array.isArray(value)) for (const line of value as readonly string[]) raw.push(name, line)
    else if (typeof value === 'number') raw.push(name, String(value))
    else
      throw new TypeError(
        `Invalid field ${name}: a value of type ${typeof value} is neither text nor a number`,
      )
  }
  return raw
}
