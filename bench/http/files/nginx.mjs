// nginx, one process, with what it is told to look at once and keep open: as near to the others as it comes.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ready } from '../../server.mjs'
import { nginx } from '../nginx.mjs'
import { told } from '../temporary.mjs'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-nginx-'))
process.on('exit', () => rmSync(folder, { recursive: true }))
const port = await freePort()
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
const configuration = `
  daemon off;
  master_process off;
  pid ${folder}/pid;
  error_log stderr notice;
  events { worker_connections 256; }
  http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=1h;
    open_file_cache_valid 1h;
    types { text/html html; }
    ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
    server {
      listen 127.0.0.1:${port};
      root ${told()};
    }
  }
`
writeFileSync(join(folder, 'nginx.conf'), configuration)
const child = spawn(nginx, ['-p', folder, '-c', join(folder, 'nginx.conf')], {
  stdio: ['ignore', 'ignore', 'pipe'],
})
process.on('exit', () => child.kill())
let said = ''
child.stderr.setEncoding('utf8').on('data', (text) => (said += text))
const ended = once(child, 'exit').then(([code, signal]) => {
  console.error(`nginx ended with ${signal ?? code}: ${said}`)
  process.exit(1)
})
await Promise.race([started(), ended])
ready(port, { cpu, peak, forget })

/** nginx takes no port 0. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** It tells its version once it listens. */
async function started() {
  while (!/\[notice\].* nginx\/\d/.test(said)) await once(child.stderr, 'data')
}

/** Microseconds of CPU so far, in ticks of 10 ms. */
function cpu() {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

function peak() {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
  return kibibytes * 1024
}

function forget() {
  try {
    writeFileSync(`/proc/${child.pid}/clear_refs`, '5')
  } catch {}
}
