/** The longest time that a timer of the runtime can hold, in milliseconds; no count needs to be larger. */
const most = 2_147_483_647

/** Refuses a count, a size or a time that is given and is not one; Infinity is not either. */
export function checkPositive(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value > 0 && value <= most)) return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not an integer from 1 to ${most}`)
}

/** Refuses a number of milliseconds that is not one; Infinity is, and lifts a limit. */
export function checkTime(name: string, value: number | undefined): void {
  if (value === undefined || value === Infinity || (Number.isInteger(value) && value > 0)) return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not a whole number of milliseconds`)
}

/** Refuses what cannot be called. */
export function checkFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw new TypeError(`Invalid option ${name}: must be a function`)
}

/** Refuses what is no signal, whatever realm or library it is from. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const { throwIfAborted, addEventListener } = Object(signal) as Partial<AbortSignal>
  if (typeof throwIfAborted === 'function' && typeof addEventListener === 'function') return
  throw new TypeError('Invalid option signal: must be an AbortSignal')
}

/** Refuses what options cannot be read from; `name` is what they are of. */
export function checkOptions(name: string, options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new TypeError(
    `Invalid options of ${name}: ${options === null ? 'null' : typeof options} is not an object`,
  )
}

/** Refuses what is not true or false, so that `'no'` does not mean yes. */
export function checkBoolean(name: string, value: boolean | undefined): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new TypeError(`Invalid option ${name}: ${String(value)} is not true or false`)
}
