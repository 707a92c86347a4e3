import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { packages } from '../packages.ts'
import type { Recipe } from './recipes.ts'

/** How a recipe is started. */
export interface StartOptions {
  /** The ports that those of the recipe stand for. Every other one is the system's choice. */
  ports?: Readonly<Record<number, number>>
  /** Files beside the program. */
  files?: Readonly<Record<string, string>>
  /** What the program has as its descriptor 3, and what the shell says before it starts. */
  descriptor?: number
  shell?: string
  /** What stands behind its name on the command line. */
  args?: readonly string[]
}

/** Tells where a recipe listens or is bound, on its standard output. */
const preload = `
import { subscribe } from 'node:diagnostics_channel'
subscribe('fairlead:listen', ({ listener }) => console.log('listening: %j', listener.address))
subscribe('fairlead:bind', ({ socket }) => console.log('listening: %j', socket.address))
`

/** A recipe under way, in a folder where the packages are installed as they are built. */
export class Running {
  static readonly #all = new Map<Recipe, Running[]>()
  readonly folder: string
  readonly ended: Promise<unknown>
  readonly #child: ChildProcess
  #output = ''
  #over = false
  #wake = (): void => {}

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder
    this.#child = child
    const hear = (text: string): void => {
      this.#output += text
      this.#wake()
    }
    child.stdout?.setEncoding('utf8').on('data', hear)
    child.stderr?.setEncoding('utf8').on('data', hear)
    this.ended = once(child, 'close').then(() => {
      this.#over = true
      this.#wake()
    })
  }

  static async start(recipe: Recipe, options: StartOptions = {}): Promise<Running> {
    const { ports = {}, files = {}, descriptor = 'ignore', shell = '', args = [] } = options
    const folder = await mkdtemp(join(tmpdir(), 'fairlead-recipe-'))
    await mkdir(join(folder, 'node_modules/@fairlead'), { recursive: true })
    for (const it of packages) await symlink(it.folder, join(folder, 'node_modules', it.name))
    const code = recipe.code.replaceAll(/\b7\d{3}\b/g, (port) => String(ports[Number(port)] ?? 0))
    const all = { ...files, 'recipe.mjs': code, 'preload.mjs': preload }
    for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text)
    const command = ['-c', `${shell} exec "$0" "$@"`, process.execPath, '--import', './preload.mjs']
    const stdio = ['pipe', 'pipe', 'pipe', descriptor] as const
    const child = spawn('sh', [...command, 'recipe.mjs', ...args], { cwd: folder, stdio: [...stdio] })
    const running = new Running(folder, child)
    Running.#all.set(recipe, [...(Running.#all.get(recipe) ?? []), running])
    return running
  }

  /** Kills what is left of a recipe and clears up behind it. */
  static async stop(recipe: Recipe): Promise<void> {
    for (const running of Running.#all.get(recipe) ?? []) {
      running.#child.kill('SIGKILL')
      await running.ended
      await rm(running.folder, { recursive: true })
    }
    Running.#all.delete(recipe)
  }

  /** What it printed so far. */
  get output(): string {
    return this.#output.replaceAll(/^listening: .*\n/gm, '')
  }

  /** The port that it listens on or is bound to, as soon as it is. */
  async port(): Promise<number> {
    const [port] = await this.prints(/^listening: .*"port":(\d+)/gm)
    return Number(port)
  }

  /** What `pattern` finds in the output, as soon as it does so `count` times. */
  async prints(pattern: RegExp, count = 1): Promise<string[]> {
    for (;;) {
      const found = Array.from(this.#output.matchAll(pattern), (match) => match[1] ?? match[0])
      if (found.length >= count) return found
      if (this.#over) throw new Error(`Ended without ${count} times ${String(pattern)}:\n${this.#output}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Types a line into it. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Ctrl-D: types no more. */
  endInput(): void {
    this.#child.stdin?.end()
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Waits for the end, which has to be a good one. */
  async endsWell(): Promise<void> {
    await this.ended
    if (this.#child.exitCode !== 0) {
      throw new Error(`Ended with ${this.#child.exitCode ?? this.#child.signalCode}:\n${this.#output}`)
    }
  }

  /** Ctrl-C, which lets it finish. */
  async interrupt(): Promise<void> {
    this.signal('SIGINT')
    await this.endsWell()
  }
}
