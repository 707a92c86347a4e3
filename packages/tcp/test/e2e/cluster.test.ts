import { Program } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { afterEach, expect, test } from 'vitest'

afterEach(() => Program.killAll())

/** What clients met that come one after the other, as fast as they can. */
class Load {
  readonly failures: string[] = []
  echoed = 0
  readonly #port: number
  readonly #clients: Promise<void>[]
  #over = false

  constructor(port: number, clients: number) {
    this.#port = port
    this.#clients = Array.from({ length: clients }, () => this.#come())
  }

  /** Resolves when so many more have been answered. */
  async more(count: number): Promise<void> {
    const enough = this.echoed + count
    await expect.poll(() => this.echoed, { interval: 5 }).toBeGreaterThanOrEqual(enough)
  }

  async stop(): Promise<void> {
    this.#over = true
    await Promise.all(this.#clients)
  }

  async #come(): Promise<void> {
    while (!this.#over) {
      try {
        const connection = await tcp.connect({ port: this.#port })
        connection.write('ahoy')
        connection.end()
        let answer = ''
        for await (const chunk of connection) answer += Buffer.from(chunk).toString()
        const { kind } = await connection.closed
        if (answer !== 'ahoy' || kind !== 'local') this.failures.push(`${kind} after "${answer}"`)
      } catch (error) {
        this.failures.push(String(error))
      }
      this.echoed++
    }
  }
}

test.each(['rr', 'none'])(
  'workers are replaced under load, and no client is refused or cut (%s)',
  async (policy) => {
    const program = Program.start(new URL('../programs/cluster.mjs', import.meta.url), [], {
      env: { PORT: '0', NODE_CLUSTER_SCHED_POLICY: policy },
    })
    const [port] = await program.prints(/listens on port (\d+)/g, 2)
    const load = new Load(Number(port), 16)
    for (let generation = 1; generation <= 3; generation++) {
      await load.more(200)
      program.child.kill('SIGHUP')
      await program.prints(/(\d+) is done/g, 2 * generation)
    }
    await load.more(200)
    await load.stop()
    expect(load.failures).toEqual([])

    const ports = await program.prints(/listens on port (\d+)/g, 8)
    expect(new Set(ports)).toEqual(new Set([port]))
    // Those that said so are gone.
    for (const worker of await program.prints(/(\d+) is done/g, 6)) {
      await expect.poll(() => isRunning(Number(worker))).toBe(false)
    }
  },
)

function isRunning(process_: number): boolean {
  try {
    return process.kill(process_, 0)
  } catch {
    return false
  }
}
