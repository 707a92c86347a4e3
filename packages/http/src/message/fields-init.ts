/** Fields as an application writes them: a record, where an array makes a line of each value, or pairs. */
export type FieldsInit =
  | Readonly<Record<string, string | number | readonly string[]>>
  | Iterable<readonly [string, string]>

/** Name and value in turn, as the codec writes them. */
export function rawFields(init: FieldsInit): string[] {
  const raw: string[] = []
  if (Symbol.iterator in init) {
    for (const [name, value] of init as Iterable<readonly [string, string]>) raw.push(name, value)
    return raw
  }
  for (const [name, value] of Object.entries(init)) {
    if (Array.isArray(value)) for (const line of value as readonly string[]) raw.push(name, line)
    else raw.push(name, String(value))
  }
  return raw
}
