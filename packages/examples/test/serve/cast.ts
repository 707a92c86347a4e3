import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach } from 'vitest'

import { type FolderServer, serveFolder, type Told } from '../../src/serve/server.ts'
import { type ServeFlags, settingsOf } from '../../src/serve/settings.ts'

const usual: ServeFlags = { port: 0, maxUpload: 1_000_000, listing: true, log: 'line', qr: false }

/** A folder for each test of the file that calls this, and servers of it that end behind the test. */
export interface Stage {
  readonly folder: string
  /** A path in the folder. */
  at(name: string): string
  serve(flags?: Partial<ServeFlags>, told?: Told): Promise<FolderServer>
  /** Asks the server that was started last. */
  ask(path: string, init?: RequestInit): Promise<Response>
}

export function useStage(): Stage {
  let folder = ''
  let servers: FolderServer[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairlead-serve-'))
  })
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.stop(0)))
    servers = []
    await rm(folder, { recursive: true })
  })
  return {
    get folder() {
      return folder
    },
    at: (name) => join(folder, name),
    async serve(flags, told) {
      const server = await serveFolder(await settingsOf(folder, { ...usual, ...flags }), told)
      servers.push(server)
      return server
    },
    ask: (path, init) => fetch(new URL(path, servers.at(-1)?.places.here), init),
  }
}
