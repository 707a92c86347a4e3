import { once } from 'node:events'
import { connect } from 'node:tls'

import { fairlead, Program } from '../e2e/program.ts'

/** A `fairlead serve`, and where it is. */
export interface RunningServer {
  readonly program: Program
  /** For this machine, with a slash at its end. */
  readonly url: string
  readonly port: number
}

/** Starts `fairlead serve` and waits until it listens. */
export async function startServer(folder: string, ...flags: string[]): Promise<RunningServer> {
  const port = flags.includes('--port') ? [] : ['--port', '0']
  return listening(Program.fairlead(['serve', folder, ...port, ...flags]))
}

/** The same with something in its environment. */
export async function startServerIn(env: string, folder: string, ...flags: string[]): Promise<RunningServer> {
  const args = [env, process.execPath, fairlead, 'serve', folder, '--port', '0', ...flags]
  return listening(Program.start('env', args))
}

async function listening(program: Program): Promise<RunningServer> {
  const [, url = ''] = await program.prints(/(https?:\/\/[^"\s]+\/)(?=[^]*(?:Press Ctrl-C to stop\.|"time"))/)
  return { program, url, port: Number(new URL(url).port) }
}

/** The certificate that a server shows, and its fingerprint. */
export async function certificateOf(port: number): Promise<{ pem: string; fingerprint: string }> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { raw, fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  const lines = raw.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    fingerprint: fingerprint256,
  }
}
