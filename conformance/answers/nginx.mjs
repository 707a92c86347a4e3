// The same with nginx, where it is installed: an ordinary process that writes nowhere but in a folder of its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import { nobody } from './drop.mjs'

// Debian has it in a folder that is not on everybody's path.
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']

/** Where it is, if it is. */
export const nginx = folders
  .map((folder) => join(folder, 'nginx'))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Its defaults, and the siblings that are compressed; of brotli only a module knows that few have. */
const configurationOf = (folder, port, root) => `
  daemon off;
  master_process off;
  pid ${folder}/pid;
  error_log stderr notice;
  events { worker_connections 64; }
  http {
    access_log off;
    server_tokens off;
    types {
      text/html html;
      text/plain txt;
      text/css css;
      application/json json;
      application/javascript js;
    }
    default_type application/octet-stream;
    ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
    server {
      listen 127.0.0.1:${port};
      root ${root};
      gzip_static on;
    }
  }
`

/** Starts it on a port that was free. It takes no port 0: somebody else may be faster. */
export async function startNginx(root) {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-nginx-'))
  if (nobody) chownSync(folder, nobody.uid, nobody.gid)
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    writeFileSync(join(folder, 'nginx.conf'), configurationOf(folder, port, root))
    const child = spawn(nginx, ['-p', folder, '-c', join(folder, 'nginx.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      ...nobody,
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    const said = await first(child, /\[notice\] .* nginx\/\d|\[emerg\].*/)
    if (said?.startsWith('[notice]')) {
      return {
        port,
        ended,
        async stop() {
          child.kill('SIGTERM')
          await ended
          rmSync(folder, { recursive: true })
        },
      }
    }
    child.kill('SIGKILL')
    await ended
    if (!said?.includes('in use') || attempt === 5) {
      rmSync(folder, { recursive: true })
      throw new Error(`Cannot start nginx: ${said}`)
    }
  }
}

/** What it says first that `pattern` finds, or undefined when it ends without. */
function first(child, pattern) {
  return new Promise((resolve) => {
    let text = ''
    child.once('error', (error) => resolve(error.message))
    child.once('close', () => resolve(pattern.exec(text)?.[0]))
    child.stderr.setEncoding('utf8').on('data', (more) => {
      text = (text + more).slice(-10_000)
      const [found] = pattern.exec(text) ?? []
      if (found !== undefined) resolve(found)
    })
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
