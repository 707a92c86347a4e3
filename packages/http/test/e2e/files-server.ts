import { createHash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Program } from '@fairlead/harness'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export interface StartOptions {
  readonly server?: object
  readonly files?: object
  /** What the shell does before. */
  readonly shell?: string
}

/** A server of files in a process of its own, and its folder. */
export class FilesServer {
  readonly program: Program
  readonly url: string
  readonly port: number
  readonly #root: string

  private constructor(program: Program, port: number, root: string) {
    this.program = program
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#root = root
  }

  static async start(
    root: string,
    { server = {}, files = {}, shell = '' }: StartOptions = {},
  ): Promise<FilesServer> {
    const args = [root, JSON.stringify(server), JSON.stringify(files)]
    const program = Program.start(new URL('../programs/files-server.mjs', import.meta.url), args, { shell })
    const [port] = await program.prints(/^listening on .*:(\d+)$/gm)
    return new FilesServer(program, Number(port), root)
  }

  /** How many files of its folder the server has open. */
  openFiles(): number {
    return this.#descriptors().filter((path) => path.startsWith(`${this.#root}/`)).length
  }

  /** How many descriptors it has. */
  descriptors(): number {
    return this.#descriptors().length
  }

  /** The most memory, in bytes, that the server has held at once. */
  peakMemory(): number {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`${this.#proc}/status`, 'utf8')) ?? []
    return Number(kibibytes) * 1024
  }

  get #proc(): string {
    return `/proc/${this.program.child.pid}`
  }

  #descriptors(): string[] {
    return readdirSync(`${this.#proc}/fd`).flatMap((name) => {
      try {
        return [readlinkSync(`${this.#proc}/fd/${name}`)]
      } catch {
        // It was closed meanwhile.
        return []
      }
    })
  }
}

/** What the tests of a file share: a server of one folder, and another folder for what they fetch; both empty at first. */
export interface Stage {
  readonly server: FilesServer
  readonly url: string
  served(name?: string): string
  fetched(name?: string): string
}

export function useStage(): Stage {
  let folder = ''
  let server: FilesServer | undefined
  const served = (name = ''): string => join(folder, 'served', name)
  const fetched = (name = ''): string => join(folder, 'fetched', name)
  beforeAll(async () => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'fairlead-files-'))
    mkdirSync(served())
    server = await FilesServer.start(served())
  })
  beforeEach(() => {
    mkdirSync(served(), { recursive: true })
    mkdirSync(fetched(), { recursive: true })
  })
  afterEach(() => {
    for (const path of [served(), fetched()]) {
      for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true })
    }
  })
  afterAll(async () => {
    await Program.killAll()
    rmSync(folder, { recursive: true })
  })
  return {
    served,
    fetched,
    get server() {
      return server!
    },
    get url() {
      return server!.url
    },
  }
}
