import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

type Line = { heard: string; from: string } | { done: number | null } | { failed: string }

/** The peer in a namespace of its own: `test/programs/far.mjs`. */
export class Far {
  readonly #child: ChildProcess
  readonly #answers: ((line: Line) => void)[] = []
  /** What it heard, with the address that it came from. */
  heard: string[] = []
  /** Its process, which stands for its namespace. */
  pid = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      const line = JSON.parse(text) as Line
      if ('heard' in line) this.heard.push(`${line.heard} from ${line.from}`)
      else this.#answers.shift()?.(line)
    })
  }

  static async start(): Promise<Far> {
    const file = fileURLToPath(new URL('../programs/far.mjs', import.meta.url))
    const child = spawn('unshare', ['-n', process.execPath, file], { stdio: ['pipe', 'pipe', 'inherit'] })
    const far = new Far(child)
    far.pid = Number(await far.#answer())
    return far
  }

  /** What it answers; `port` of a socket that it opened. */
  async do(command: 'listen' | 'see' | 'send', facts: object): Promise<number> {
    this.#child.stdin?.write(`${JSON.stringify({ command, ...facts })}\n`)
    return Number(await this.#answer())
  }

  stop(): void {
    this.#child.stdin?.end()
  }

  async #answer(): Promise<number | null> {
    const line = await new Promise<Line>((resolve) => this.#answers.push(resolve))
    if ('done' in line) return line.done
    throw new Error(`The far peer: ${JSON.stringify(line)}`)
  }
}
