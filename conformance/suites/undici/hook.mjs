// Loaded before a test file of undici's: whatever that requires of undici's index is ours (see index.mjs).

import dns from 'node:dns'
import { Server } from 'node:http'
import { Server as SecureServer } from 'node:https'
import { Module, syncBuiltinESMExports } from 'node:module'
import { sep } from 'node:path'
import test from 'node:test'

const { FAIRLEAD_SUITE_FOLDER: folder, FAIRLEAD_SUITE_OWN: own } = process.env

/** What stands for the whole of undici, and for one class of it, by the files that a test may name. */
const entries = new Map(
  Object.entries({
    'index.js': undefined,
    'index-fetch.js': undefined,
    'undici-fetch.js': undefined,
    'lib/dispatcher/agent.js': 'Agent',
    'lib/dispatcher/client.js': 'Client',
    'lib/dispatcher/pool.js': 'Pool',
    'lib/dispatcher/proxy-agent.js': 'ProxyAgent',
  }).map(([name, one]) => [folder + sep + name, one]),
)
const tests = `${folder}${sep}test${sep}`

/** Milliseconds for a test that waits for something that does not come: those behind it get their turn. */
const timeout = 5_000

if (own !== '1') knowLocalhost()
const { _load: load, _resolveFilename: resolve } = Module
const ours = own === '1' ? undefined : (await import('./index.mjs')).exports
const patient = withTimeout(test)

Module._load = function (request, parent, isMain) {
  if (request === 'node:test') return patient
  const theirs = ours && parent?.filename?.startsWith(tests) && request.startsWith('.')
  const file = theirs && fileOf(resolve, request, parent)
  if (!entries.has(file)) return load.call(this, request, parent, isMain)
  const one = entries.get(file)
  return one === undefined ? ours : ours[one]
}

if (ours) {
  for (const { prototype } of [Server, SecureServer]) hideDefaults(prototype)
}

/** Where the system has no IPv6 address for it, it asks elsewhere, which may take seconds of a test that has five. */
function knowLocalhost() {
  const { lookup } = dns
  dns.lookup = (host, options, callback) => {
    if (host !== 'localhost' || options?.family !== 6) return lookup(host, options, callback)
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND localhost'), { code: 'ENOTFOUND' })
    process.nextTick(callback, error)
  }
  syncBuiltinESMExports()
}

function withTimeout(run) {
  const wrap = (one) =>
    Object.assign((...args) => {
      const name = typeof args[0] === 'string' ? args.shift() : undefined
      const options = typeof args[0] === 'object' ? args.shift() : {}
      return one(name ?? args[0]?.name, { timeout, ...options }, ...args)
    }, one)
  const wrapped = wrap(run)
  return Object.assign(wrapped, { test: wrapped, it: wrap(run.it) })
}

function fileOf(resolve, request, parent) {
  try {
    return resolve(request, parent)
  } catch {
    // The bundle, which nobody built.
    return (
      folder +
      sep +
      request
        .split('/')
        .at(-1)
        .replace(/(?:\.js)?$/, '.js')
    )
  }
}

/**
 * Their tests compare all of the fields that came. Ours says who it is, which theirs does not, and does not say that
 * it keeps the connection, which is so anyhow (RFC 9112 section 9.3).
 */
function hideDefaults(prototype) {
  const { emit } = prototype
  prototype.emit = function (event, request, ...rest) {
    if (event === 'request' || event === 'checkContinue') hide(request)
    return emit.call(this, event, request, ...rest)
  }
}

function hide(request) {
  const { host, connection = 'keep-alive', ...rest } = request.headers
  if (rest['user-agent'] === 'fairlead') delete rest['user-agent']
  request.headers = { ...(host !== undefined && { host }), connection, ...rest }
  const { rawHeaders } = request
  const at = rawHeaders.indexOf('fairlead')
  if (at >= 0) rawHeaders.splice(at - 1, 2)
  if (!rawHeaders.some((name) => /^connection$/i.test(name))) rawHeaders.push('connection', 'keep-alive')
}
