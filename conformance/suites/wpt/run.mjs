// Runs the files of web-platform-tests that need no browser: fetch/api, as far as it is about fetch and its classes.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { serveTests } from './server.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

const folders = ['abort', 'basic', 'body', 'headers', 'redirect', 'request', 'response']

/** Pages, service workers, caches and HTTP/2 are not there; nor is a browser that sends for one that has gone. */
const left = /\.h2\.|https|keepalive|request-cache|gc\.any|realm|idlharness|bad-port|crash/

/** Milliseconds that a file may take, as the tests' own runner has it. */
const patience = { normal: 10_000, long: 60_000 }

/** Every test: `{ file, name, status, message }`. */
export async function run(folder, { own }) {
  const server = await serveTests(folder)
  const files = folders.flatMap((name) =>
    readdirSync(join(folder, 'fetch/api', name), { recursive: true })
      .map(String)
      .filter((it) => it.endsWith('.any.js') && !left.test(it))
      .toSorted()
      .map((it) => `fetch/api/${name}/${it}`),
  )
  const tests = new Map()
  const queue = [...files]
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      tests.set(file, await runFile(folder, file, server.ports, own))
    }
  }
  await Promise.all([work(), work(), work()])
  await server.close()
  return files.flatMap((file) => tests.get(file))
}

async function runFile(folder, file, ports, own) {
  const source = readFileSync(join(folder, file), 'utf8')
  const named = [...source.matchAll(/^\/\/ META: *script=(\S+)/gm)].map(([, name]) =>
    name.startsWith('/') ? name.slice(1) : join(dirname(file), name),
  )
  const load = (name) => ({
    filename: name,
    code: filled(readFileSync(join(folder, name), 'utf8'), name, ports),
  })
  const harness = { ...load('resources/testharness.js'), harness: true }
  const scripts = [harness, ...named.map(load), load(file)]
  const location = `http://localhost:${ports[0]}/${file.replace(/\.js$/, '.worker.js')}`
  const worker = new Worker(here('worker.mjs'), {
    workerData: { scripts, location, ours: !own },
    execArgv: ['--no-warnings'],
    stdout: true,
    stderr: true,
  })
  const long = /^\/\/ META: *timeout=long/m.test(source)
  return collect(worker, file, long ? patience.long : patience.normal)
}

/** As the tests' own server fills in `.sub.` files. */
function filled(code, name, [http, other]) {
  if (!name.includes('.sub.')) return code
  const known = {
    host: 'localhost',
    'ports[http][0]': http,
    'ports[http][1]': other,
    'location[server]': `http://localhost:${http}`,
  }
  return code.replace(/\{\{([^}]+)\}\}/g, (_, key) => {
    if (key in known) return known[key]
    return key.startsWith('ports') ? other : '127.0.0.1'
  })
}

function collect(worker, file, time) {
  const begun = new Set()
  const tests = new Map()
  return new Promise((resolve) => {
    const finish = (why) => {
      clearTimeout(timer)
      void worker.terminate()
      for (const name of begun) {
        if (!tests.has(name)) tests.set(name, { file, name, status: 'failed', message: why })
      }
      if (tests.size === 0) tests.set('', { file, name: 'the file', status: 'failed', message: why })
      resolve([...tests.values()])
    }
    const timer = setTimeout(() => finish('it took too long'), time)
    worker.on('error', (error) => finish(`the file threw: ${error?.message ?? error}`))
    worker.on('message', ({ begun: name, over, wrong, ...test }) => {
      if (name !== undefined) begun.add(withoutPorts(name))
      else if (over) finish(wrong ?? 'it did not end')
      else {
        const named = withoutPorts(test.name)
        tests.set(named, { file, name: named, message: test.message, status: statusOf(test.status) })
      }
    })
  })
}

/** Ports are others each time. */
function withoutPorts(name) {
  return name.replace(/(localhost|127\.0\.0\.1):\d+/g, '$1')
}

function statusOf(status) {
  if (status === 'passed') return status
  return status === 'not implemented' ? 'skipped' : 'failed'
}
