import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import type { Identity } from '../server/tls-certificates.ts'

/** Where nginx is; Debian has it in a folder that is not on everybody's path. Says so where it is not. */
export function findNginx(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  for (const folder of folders) {
    const path = join(folder, 'nginx')
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  const lack = 'nginx is not installed; to get it: apt-get install nginx-light'
  if (process.env['FAIRLEAD_REQUIRE_ALL'] === '1') throw new Error(`Cannot run test: ${lack}`)
  console.warn(`Skipped: ${lack}`)
  return undefined
}

/** Where one listens. */
interface Ports {
  readonly plain: number
  /** The same, at another origin. */
  readonly other: number
  readonly tls: number
  /** A proxy that forwards plain HTTP to whomever the URL names. */
  readonly forward: number
}

/** An nginx of a test's own: an ordinary process that writes nowhere but in a folder of its own. */
export class Nginx {
  readonly folder: string
  readonly ports: Ports
  readonly socket: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  private constructor(folder: string, ports: Ports, child: ChildProcess, ended: Promise<unknown>) {
    this.folder = folder
    this.ports = ports
    this.socket = join(folder, 'socket')
    this.#child = child
    this.#ended = ended
  }

  /** `locations` are what it serves on every port, `{folder}` standing for its folder and `{other}` for a port. */
  static async start(program: string, identity: Identity, locations: string): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'fairlead-nginx-'))
    mkdirSync(join(folder, 'files'))
    writeFileSync(join(folder, 'cert.pem'), identity.cert)
    writeFileSync(join(folder, 'key.pem'), identity.key)
    // nginx takes no port 0: somebody else may be faster with one that was free.
    for (let attempt = 1; ; attempt++) {
      const [plain, other, tls, forward] = await freePorts(4)
      const ports = { plain: plain!, other: other!, tls: tls!, forward: forward! }
      writeFileSync(join(folder, 'nginx.conf'), configOf(folder, ports, locations))
      const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf')], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      const { ended, said } = await first(child, /\[notice\] .* nginx\/\d|\[emerg\].*/)
      if (said?.startsWith('[notice]')) return new Nginx(folder, ports, child, ended)
      child.kill('SIGKILL')
      await ended
      rmSync(join(folder, 'socket'), { force: true })
      if (!said?.includes('in use') || attempt === 5) throw new Error(`nginx does not start: ${said}`)
    }
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
    rmSync(this.folder, { recursive: true })
  }
}

/** What it says first that `pattern` finds, or undefined when it ends without. */
async function first(
  child: ChildProcess,
  pattern: RegExp,
): Promise<{ ended: Promise<void>; said: string | undefined }> {
  let text = ''
  let wake: (said: string | undefined) => void = () => {}
  const said = new Promise<string | undefined>((resolve) => (wake = resolve))
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => (text += `[emerg] ${error.message}`))
    child.once('close', () => {
      wake(pattern.exec(text)?.[0])
      resolve()
    })
  })
  child.stderr!.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-100_000)
    const [found] = pattern.exec(text) ?? []
    if (found !== undefined) wake(found)
  })
  return { ended, said: await said }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** One process, which is whoever runs the tests. */
function configOf(folder: string, { plain, other, tls, forward }: Ports, locations: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
    daemon off;
    master_process off;
    pid ${folder}/pid;
    error_log stderr notice;
    events { worker_connections 256; }
    http {
      access_log off;
      default_type text/plain;
      types { text/html html; }
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      server {
        listen 127.0.0.1:${plain};
        listen 127.0.0.1:${other};
        listen 127.0.0.1:${tls} ssl;
        listen unix:${folder}/socket;
        ssl_certificate ${folder}/cert.pem;
        ssl_certificate_key ${folder}/key.pem;
        add_header X-Connection $connection always;
        add_header X-Requests $connection_requests always;
        ${locations.replaceAll('{folder}', folder).replaceAll('{other}', String(other))}
      }
      server {
        listen 127.0.0.1:${forward};
        location / {
          add_header X-Forward $request_method always;
          proxy_pass http://$http_host$request_uri;
        }
      }
    }
  `
}
