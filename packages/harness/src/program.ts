import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { expect } from 'vitest'

/** Those that run, to be stopped behind a test that failed. */
const running = new Set<Program>()

/** A program that a test starts, as a user would. */
export class Program {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  output = ''
  #over = false
  #wake = (): void => {}

  private constructor(child: ChildProcess) {
    this.child = child
    const hear = (text: string): void => {
      this.output += text
      this.#wake()
    }
    child.stdout?.setEncoding('utf8').on('data', hear)
    child.stderr?.setEncoding('utf8').on('data', hear)
    this.ended = once(child, 'close').then(() => {
      running.delete(this)
      this.#over = true
      this.#wake()
    })
    running.add(this)
  }

  /**
   * Starts a program. `shell` is what the shell does before; `descriptor` becomes the program's number 3.
   */
  static start(
    file: URL,
    args: readonly string[],
    { shell = '', env = {}, descriptor = 'ignore' }: StartOptions = {},
  ): Program {
    const command = ['-c', `${shell} exec "$0" "$@"`, process.execPath, fileURLToPath(file), ...args]
    const stdio = ['ignore', 'pipe', 'pipe', descriptor] as const
    return new Program(spawn('sh', command, { env: { ...process.env, ...env }, stdio: [...stdio] }))
  }

  static async killAll(): Promise<void> {
    for (const program of running) program.child.kill('SIGKILL')
    await Promise.all(Array.from(running, (program) => program.ended))
  }

  /** What `pattern` finds in the output, as soon as it does so `count` times. Fails when the program ends before. */
  async prints(pattern: RegExp, count = 1): Promise<string[]> {
    for (;;) {
      const found = Array.from(this.output.matchAll(pattern), (match) => match[1] ?? match[0])
      if (found.length >= count) return found
      if (this.#over) throw new Error(`Ended without ${count} times ${String(pattern)}:\n${this.output}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

interface StartOptions {
  shell?: string
  env?: NodeJS.ProcessEnv
  descriptor?: number | 'ignore'
}

/** What a program says before it ends by itself, with nothing wrong. */
export async function outcome<T>(file: URL, args: readonly string[], options?: StartOptions): Promise<T> {
  const program = Program.start(file, args, options)
  const [line = ''] = await program.prints(/^\{.*\}$/gm)
  await program.ended
  expect({ code: program.child.exitCode, output: program.output }).toEqual({ code: 0, output: `${line}\n` })
  return JSON.parse(line) as T
}
