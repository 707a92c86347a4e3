// One file of web-platform-tests, in a worker that looks like one of a browser's as far as these files ask.

import vm from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'

const { scripts, location, ours } = workerData

if (ours) {
  await import('../../../packages/http/dist/globals.js')
  const { fetch } = await import('../../../packages/http/dist/index.js')
  define('fetch', fetch)
}

/** URLs are relative to the test. What is no URL stays none. */
function resolve(input) {
  if (input instanceof Request || input === undefined) return input
  return URL.canParse(input, location) ? new URL(input, location).href : input
}

const { fetch, Request: TheRequest, Response: TheResponse } = globalThis
define('fetch', (...args) => fetch(...(args.length === 0 ? [] : [resolve(args[0]), ...args.slice(1)])))
define(
  'Request',
  new Proxy(TheRequest, {
    construct: (target, [input, ...rest], self) =>
      Reflect.construct(target, [resolve(input), ...rest], self === Request ? target : self),
  }),
)
define(
  'Response',
  new Proxy(TheResponse, {
    get: (target, name) =>
      name === 'redirect'
        ? (url, ...rest) => target.redirect(resolve(url), ...rest)
        : Reflect.get(target, name),
  }),
)
define('self', globalThis)
define('location', new URL(location))
define('GLOBAL', { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false })

const states = ['passed', 'failed', 'timed out', 'not run', 'not implemented']
for (const { code, filename, harness } of scripts) {
  vm.runInThisContext(code, { filename })
  if (harness) observe()
}
// What a worker's file ends with.
globalThis.done()

function observe() {
  globalThis.add_test_state_callback(({ name }) => parentPort.postMessage({ begun: name }))
  globalThis.add_result_callback(({ name, status, message }) =>
    parentPort.postMessage({ name, status: states[status], message: String(message ?? '') }),
  )
  globalThis.add_completion_callback((_tests, { status, message }) => {
    const wrong = status === 0 || status === 3 ? undefined : String(message)
    parentPort.postMessage({ over: true, wrong })
  })
}

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true })
}
