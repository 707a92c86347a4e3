import { basename } from 'node:path'

import { ListenError } from '@fairlead/core'
import * as http from '@fairlead/http'
import { compress } from '@fairlead/http/compress'

import { type Places, placesOf } from '../addresses.ts'
import { fingerprintOf, type Identity } from '../certificate.ts'
import { rootOf } from '../files/root.ts'
import { versionOf } from '../page-files.ts'
import { codeOf, reasonOf } from '../reason.ts'
import { identityOf, watchIdentity } from '../renewal.ts'
import { Inbox } from '../uploads/inbox.ts'
import type { LogEntry } from './entry.ts'
import { AccessLog } from './log.ts'
import { Folders, segmentsOf, uploadsPath } from './paths.ts'
import { Receiver } from './receive.ts'
import { routes } from './routes.ts'
import type { Settings } from './settings.ts'

/** What happens while it runs. */
export interface Told {
  /** A request was answered, or its client left. */
  answered?(entry: LogEntry): void
  /** The certificate was read again from its files. */
  certificate?(fingerprint: string): void
  /** Something went wrong that nobody else is told of. */
  trouble?(text: string): void
}

/** A folder that is being served. */
export interface FolderServer {
  /** A real path. */
  readonly folder: string
  readonly port: number
  readonly places: Places
  /** SHA-256 of the certificate. */
  readonly fingerprint: string | undefined
  /** Stops listening, lets what is under way finish for up to `grace` milliseconds, and ends. */
  stop(grace: number): Promise<void>
}

/** Where it listens when nobody says: here, or on one of the next ports. */
const usualPort = 8080
const morePorts = 20

/** @throws Error or ListenError that says what cannot be had. */
export async function serveFolder(settings: Settings, told: Told = {}): Promise<FolderServer> {
  const root = await rootOf(settings.folder)
  const identity = await identityOf(settings.tls, settings.host)
  const inbox = settings.upload ? await Inbox.open(root, settings) : undefined
  const log = new AccessLog(
    (entry) => told.answered?.(entry),
    (connection) => server?.connections.has(connection) ?? false,
  )
  const app = routes({
    settings,
    root,
    name: basename(root) || root,
    version: await versionOf('serve'),
    uploads: inbox && (await receiversOf(settings, root, inbox)),
    identified: ({ exchange }, user) => log.identify(exchange, user),
  })
  let server: http.HttpListener | undefined
  try {
    const handler: http.FetchHandler = (request, context) => {
      log.begin(context.exchange)
      return app.fetch(request, context)
    }
    const onError = (error: unknown): void => told.trouble?.(reasonOf(error))
    server = await listen(settings, identity, onError, settings.compress ? compress(handler) : handler)
  } catch (error) {
    inbox?.close()
    log.close()
    throw error
  }
  const stopWatching = watchIdentity(settings.tls, identity, {
    setTls: (renewed) => server.setTls(renewed),
    renewed: (fingerprint) => told.certificate?.(fingerprint),
    trouble: (text) => told.trouble?.(text),
  })
  const { address } = server
  const port = address.kind === 'ip' ? address.port : 0
  return {
    folder: root,
    port,
    places: placesOf(identity ? 'https' : 'http', settings.host, port),
    fingerprint: identity && fingerprintOf(identity.cert),
    async stop(grace) {
      stopWatching()
      await server.close({ grace })
      inbox?.close()
      log.close()
    },
  }
}

async function receiversOf({ dotfiles, maxUpload }: Settings, root: string, inbox: Inbox) {
  const { Resumable } = await import('../uploads/resumable.ts')
  const common = { inbox, maxSize: maxUpload }
  const folders = new Folders(root, dotfiles)
  const resumable = new Resumable({
    ...common,
    path: uploadsPath,
    async folderOf({ folder }) {
      const names = segmentsOf(folder ?? '/')
      return names && folders.find(names)
    },
  })
  return { receiver: new Receiver({ ...common, folders }), resumable }
}

/** On the port that was asked for, or the first one of the usual ones that is free. */
async function listen(
  { host, port, upload }: Settings,
  tls: Identity | undefined,
  onError: (error: unknown) => void,
  handler: http.FetchHandler,
): Promise<http.HttpListener> {
  const options = {
    host,
    onError,
    ...(tls && { tls }),
    // Who reads a body has a limit of its own, and words for it.
    ...(upload && { maxBodySize: Infinity }),
  }
  if (port !== undefined) return http.serve({ ...options, port }, handler)
  for (let next = usualPort; ; next++) {
    try {
      return await http.serve({ ...options, port: next }, handler)
    } catch (error) {
      const taken = error instanceof ListenError && codeOf(error.cause) === 'EADDRINUSE'
      if (!taken || next === usualPort + morePorts) throw error
    }
  }
}
