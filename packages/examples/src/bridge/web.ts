import * as http from '@fairlead/http'
import { type FilesHandler, serveFiles } from '@fairlead/http/files'

import type { Identity } from '../certificate.ts'
import { rootOf } from '../files/root.ts'
import { refusalOf } from '../serve/guard.ts'
import type { Settings } from './settings.ts'

/** The server that WebSockets come to, with the files beside, if there are any. */
export async function serveWeb(
  { from, host = '', loopback, web }: Settings,
  identity: Identity | undefined,
  onError: (error: unknown) => void,
): Promise<http.HttpListener> {
  const files = web === undefined ? onlyWebSockets : serveFiles(await rootOf(web), { listing: true })
  const guard = { loopback, tls: identity !== undefined }
  return http.serve({ host, port: from.port, onError, ...(identity && { tls: identity }) }, (request) => {
    const refusal = refusalOf(request, guard)
    return refusal === undefined ? files(request) : new Response(`${refusal}\n`, { status: 403 })
  })
}

const onlyWebSockets: FilesHandler = ({ headers }) =>
  headers.has('upgrade')
    ? new Response('There is nothing here.\n', { status: 404 })
    : new Response('Only WebSockets are taken here.\n', { status: 426, headers: { Upgrade: 'websocket' } })
