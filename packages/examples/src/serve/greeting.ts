import { formatSize } from '../size.ts'
import { qrCode } from './qr.ts'
import type { FolderServer } from './server.ts'
import type { Settings } from './settings.ts'

/** What is printed at the start: where it is, who may, and a code for phones. */
export function greeting(server: FolderServer, settings: Settings, { qr }: { qr: boolean }): string {
  const { folder, places, fingerprint } = server
  const { upload, overwrite, maxUpload, users, tls } = settings
  const rows: [string, string][] = [['Here', places.here]]
  const others = places.network.filter((url) => url !== places.here)
  for (const [at, url] of others.entries()) rows.push([at === 0 ? 'Network' : '', url])
  if (upload) {
    const replacing = overwrite ? ', and may replace what is there' : ''
    rows.push(['Uploads', `up to ${formatSize(maxUpload)} each${replacing}`])
  }
  if (users) rows.push(['For', `${users.names.join(', ')}, with a password`])
  if (fingerprint !== undefined) {
    rows.push([
      'TLS',
      tls === 'made'
        ? 'a certificate made on the spot; browsers will ask whether it is right'
        : 'your certificate',
    ])
    rows.push(['', fingerprint.slice(0, 47)], ['', fingerprint.slice(48)])
  }
  const table = rows.map(([label, text]) => `  ${label.padEnd(8)} ${text}`).join('\n')
  const open = !settings.loopback && users === undefined
  const notes = [
    ...(open ? [`Whoever can reach this machine can ${upload ? 'read and add files' : 'read it'}.`] : []),
    ...(users && tls === undefined && !settings.loopback
      ? ['Without --tls, the password can be read on the way.']
      : []),
  ]
  const [first] = places.network
  return [
    `Serving ${folder}`,
    table,
    ...(qr && first !== undefined ? [qrCode(first)] : []),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    'Press Ctrl-C to stop.\n',
  ].join('\n\n')
}
