import { readFile } from 'node:fs/promises'

import { isLoopback } from '../addresses.ts'
import { reasonOf } from '../reason.ts'
import { type IdentityFlags, type IdentitySource, identitySourceOf } from '../renewal.ts'
import type { LogStyle } from './entry.ts'
import { readUsers, Users } from './users.ts'

/** The options of the command line, as they were given. */
export interface ServeFlags extends IdentityFlags {
  host?: string
  lan?: boolean
  port?: number
  upload?: boolean
  overwrite?: boolean
  maxUpload: number
  auth?: string
  authFile?: string
  spa?: boolean
  listing: boolean
  dotfiles?: boolean
  cors?: boolean
  cache?: number
  compress?: boolean
  log: LogStyle
  json?: boolean
  qr: boolean
}

/** What is served, where, to whom and how. */
export interface Settings {
  readonly folder: string
  readonly host: string
  /** Undefined: 8080, or the next one that is free. */
  readonly port: number | undefined
  /** Whether only this machine can call it. */
  readonly loopback: boolean
  /** Undefined: whoever can reach it. */
  readonly users: Users | undefined
  readonly tls: IdentitySource
  readonly upload: boolean
  readonly overwrite: boolean
  /** Bytes of the largest file that is taken. */
  readonly maxUpload: number
  readonly spa: boolean
  readonly listing: boolean
  readonly dotfiles: boolean
  readonly cors: boolean
  /** Seconds for which browsers keep files without asking; undefined: they ask each time. */
  readonly cache: number | undefined
  readonly compress: boolean
}

/** @throws Error for what does not go together, and for files that cannot be read. */
export async function settingsOf(folder: string, flags: ServeFlags): Promise<Settings> {
  const { upload = false, overwrite = false, lan = false, spa = false, listing } = flags
  const { host = lan ? '0.0.0.0' : '127.0.0.1', port, maxUpload, cache } = flags
  if (lan && flags.host !== undefined) throw new Error('--lan and --host say two things: give one of them')
  if (overwrite && !upload) throw new Error('--overwrite means nothing without --upload')
  return {
    folder,
    host,
    port,
    loopback: isLoopback(host),
    users: await usersOf(flags),
    tls: identitySourceOf(flags),
    upload,
    overwrite,
    maxUpload,
    spa,
    listing: listing && !spa,
    dotfiles: flags.dotfiles ?? false,
    cors: flags.cors ?? false,
    cache,
    compress: flags.compress ?? false,
  }
}

async function usersOf({ auth, authFile }: ServeFlags): Promise<Users | undefined> {
  if (auth === undefined && authFile === undefined) return undefined
  const users = new Users()
  if (auth !== undefined) users.add(auth)
  if (authFile !== undefined) {
    const text = await readFile(authFile, 'utf8').catch((error: unknown) => {
      throw new Error(`Cannot read ${authFile}: ${reasonOf(error)}`, { cause: error })
    })
    readUsers(text, users)
    if (users.names.length === 0) throw new Error(`There is no user in ${authFile}`)
  }
  return users
}
