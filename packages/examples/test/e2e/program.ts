import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The built program. */
export const fairlead = fileURLToPath(new URL('../../dist/fairlead.js', import.meta.url))

/** What became of a program that ended. */
export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Those that run, to be stopped behind a test that failed. */
const running = new Set<Program>()

/** A program started as a user starts it. */
export class Program {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
  stdout = ''
  stderr = ''
  #wake: (() => void)[] = []
  #over = false

  private constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#print('stdout', text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#print('stderr', text))
    this.ended = this.#end()
    running.add(this)
  }

  /** Starts `fairlead` with these arguments. */
  static fairlead(args: readonly string[], options: { cwd?: string } = {}): Program {
    if (!existsSync(fairlead)) throw new Error(`${fairlead} is missing: run npm run build first`)
    return Program.start(process.execPath, [fairlead, ...args], options)
  }

  static start(command: string, args: readonly string[], options: { cwd?: string } = {}): Program {
    return new Program(spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] }))
  }

  /** Ends whatever a test left running. */
  static async killAll(): Promise<void> {
    for (const program of running) program.child.kill('SIGKILL')
    await Promise.all(Array.from(running, (program) => program.ended))
  }

  /** What `pattern` finds on stdout, as soon as it does. Fails when the program ends before. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout)
      if (found) return found
      if (this.#over) throw new Error(`Ended without ${String(pattern)}:\n${this.stdout}${this.stderr}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  #print(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text
    this.#awake()
  }

  #awake(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  async #end(): Promise<Outcome> {
    const [code, signal] = (await once(this.child, 'close')) as [number | null, NodeJS.Signals | null]
    running.delete(this)
    this.#over = true
    this.#awake()
    return { code, signal, stdout: this.stdout, stderr: this.stderr }
  }
}

/** Runs a command to its end. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<Outcome> {
  return Program.start(command, args, options).ended
}

/** A hub on ports that the system chose, and what it printed. */
export interface RunningHub {
  readonly program: Program
  /** As it was printed, with the token if there is one. */
  readonly page: string
  readonly chat: { readonly host: string; readonly port: number }
  readonly beaconPort: number
  readonly folder: string
  readonly token: string | undefined
}

/** Starts `fairlead hub` and waits until it is open. */
export async function startHub(folder: string, ...flags: string[]): Promise<RunningHub> {
  const ports = ['--port', '0', '--chat-port', '0', '--beacon-port', '0']
  const program = Program.fairlead(['hub', ...ports, '--folder', folder, ...flags])
  await program.prints(/Press Ctrl-C to stop\./)
  const { stdout } = program
  const [, page = ''] = /Page +(\S+)/.exec(stdout) ?? []
  const [, host = '', port] = /Chat +nc (\S+) (\d+)/.exec(stdout) ?? []
  const [, beaconPort] = /Beacon .*--port (\d+)/.exec(stdout) ?? []
  const [, token] = /\(token (\S+)\)/.exec(stdout) ?? []
  const chat = { host, port: Number(port) }
  return { program, page, chat, beaconPort: Number(beaconPort), folder, token }
}
