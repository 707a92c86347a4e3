import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

import { deserted } from './services.ts'

/** A Redis of a test's own: it keeps nothing, and writes nowhere but into the folder it is given. */
export class Redis {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
  }

  /** `program` is where it is installed. */
  static async start(program: string, folder: string): Promise<Redis> {
    // To Redis, port 0 means none: somebody else may be faster with one that was free.
    for (let attempt = 1; ; attempt++) {
      const port = await deserted()
      const child = spawn(program, argumentsOf(port, folder), { stdio: ['ignore', 'pipe', 'ignore'] })
      const said = await first(child, /Ready to accept connections|Address already in use|Failed .*/)
      if (said === 'Ready to accept connections') return new Redis(port, child)
      child.kill('SIGKILL')
      if (said !== 'Address already in use' || attempt === 5) throw new Error(`Redis does not start: ${said}`)
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await ended
  }
}

function argumentsOf(port: number, folder: string): string[] {
  const options = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', databases: 1 }
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
}

/** What it says that `pattern` finds, or everything when it ends without. */
function first({ stdout }: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    stdout?.setEncoding('utf8').on('data', (more: string) => {
      text += more
      const [found] = pattern.exec(text) ?? []
      if (found !== undefined) resolve(found)
    })
    stdout?.once('close', () => resolve(text))
  })
}
