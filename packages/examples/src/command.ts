import { Command, InvalidArgumentError } from 'commander'

import { reasonOf } from './reason.ts'
import { parseSize } from './size.ts'

/** A subcommand of `fairlead` whose troubles are one line each: `fairlead hub: ...`. */
export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .showSuggestionAfterError(false)
    .configureOutput({
      outputError: (text, write) => write(`fairlead ${name}: ${text.replace(/^error: /, '')}`),
    })
}

/** Runs what a command does. What it throws ends the program, with one line on stderr and exit code 1. */
export function action<A extends unknown[]>(name: string, run: (...given: A) => Promise<void>) {
  return async (...given: A): Promise<void> => {
    try {
      await run(...given)
    } catch (error) {
      complain(name, error)
      process.exit(1)
    }
  }
}

export function complain(name: string, error: unknown): void {
  process.stderr.write(`fairlead ${name}: ${reasonOf(error)}\n`)
}

/** Argument of an option: a port, where 0 lets the system choose. */
export function port(text: string): number {
  return whole(text, 65_535)
}

/** Argument of an option: milliseconds. */
export function milliseconds(text: string): number {
  return whole(text, 2_147_483_647)
}

/** Argument of an option: seconds, up to a day. */
export function seconds(text: string): number {
  return whole(text, 86_400)
}

/** Argument of an option: `200 MB`, `1.5GB` or plain bytes. */
export function size(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new InvalidArgumentError('It takes a size like 500MB or 1.5GB.')
  return bytes
}

/** Argument of an option: a whole number of which both ends are named. */
export function within(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : -1
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`)
  }
}

const whole = (text: string, most: number): number => within(0, most)(text)
