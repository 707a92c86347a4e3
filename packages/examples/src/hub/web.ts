import type { ConnectionHandler, Listener, MessageConnection } from '@fairlead/core'
import * as http from '@fairlead/http'
import { compress } from '@fairlead/http/compress'
import * as websocket from '@fairlead/ws-bridge'

import { pageFiles } from '../page-files.ts'
import type { Resumable } from '../uploads/resumable.ts'
import type { Folder } from './folder.ts'
import { Guard } from './guard.ts'
import type { Room } from './room.ts'
import { routes, uploadsPath } from './routes.ts'
import type { Secret } from './secret.ts'
import { share } from './share.ts'

export interface WebOptions {
  host: string
  port: number
  room: Room
  folder: Folder
  secret?: Secret | undefined
  /** Bytes of the largest upload. */
  maxUpload: number
}

/** The hub's listeners on one port: HTTP, and two paths for WebSockets. */
export interface Web {
  readonly server: http.HttpListener
  readonly sockets: readonly Listener<MessageConnection<string>>[]
}

/** Bytes of the longest message of a chat, and of the longest listing. */
const longestLine = 64 * 1024
const longestListing = 16 * 1024 * 1024

/** Serves the page, the folder and the chat for browsers. */
export async function openWeb(options: WebOptions): Promise<Web> {
  const { host, port, room, folder, secret, maxUpload } = options
  const guard = new Guard(secret)
  const resumable = await openResumable(options)
  const app = routes({ page: pageFiles('hub'), folder, room, guard, resumable, maxUpload })
  // Those who read a body have a limit of their own, and words for it.
  const handler: http.FetchHandler = (request) => app.fetch(request)
  const server = await http.serve({ host, port, maxBodySize: Infinity }, compress(handler))
  const common = {
    server,
    messages: 'text',
    authorize: (request: websocket.HandshakeRequest) => guard.refuse(request),
  } as const
  const sockets = await Promise.all([
    websocket.listen({ ...common, path: '/chat', maxPayload: longestLine }, (connection) =>
      room.join(connection),
    ),
    websocket.listen({ ...common, path: '/folder', maxPayload: longestListing }, (connection) =>
      show(folder, connection),
    ),
  ])
  return { server, sockets }
}

async function openResumable({ room, folder, maxUpload }: WebOptions): Promise<Resumable> {
  // What it brings along takes a while to load, and no other command needs it.
  const { Resumable } = await import('../uploads/resumable.ts')
  return new Resumable({
    path: uploadsPath,
    inbox: folder.inbox,
    maxSize: maxUpload,
    folderOf: () => Promise.resolve(folder.path),
    async kept(file, { by }) {
      await folder.refresh()
      share(room, file, by)
    },
  })
}

/** Sends the listing now and after each change. Who reads slowly skips to the newest one. */
function show(folder: Folder, connection: MessageConnection<string>): ConnectionHandler<string> {
  let sending = false
  let stale = false

  async function update(): Promise<void> {
    stale = true
    if (sending) return
    sending = true
    while (stale) {
      stale = false
      await connection.send(JSON.stringify(folder.files))
    }
    sending = false
  }

  const tell = (): void => void update().catch((error: Error) => connection.destroy(error))
  const stop = folder.follow(tell)
  tell()
  return { onData() {}, onClose: stop }
}
