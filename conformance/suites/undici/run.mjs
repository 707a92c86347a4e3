// Runs those of undici's tests that are about what passes on the wire, or about fetch, on our client.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { runFiles } from '../node-tests.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** By folder, the beginnings of names. */
const chosen = {
  test: [
    'client-head',
    'client-idempotent',
    'client-keep-alive',
    'client-pipelin',
    'client-post',
    'client-reconnect',
    'client-request',
    'client-stream',
    'client-unref',
    'client-upgrade',
    'client-write',
    'client.js',
    'close-and-destroy',
    'content-length',
    'get-head-body',
    'header',
    'http-100',
    'http-req-destroy',
    'https',
    'inflight-and-close',
    'invalid-headers',
    'issue-2065',
    'issue-2283',
    'issue-2590',
    'issue-3410',
    'issue-8',
    'max-',
    'parser-issues',
    'pipeline-pipelining',
    'pool.js',
    'promises',
    'prototype-headers',
    'proxy-agent',
    'query',
    'redirect-',
    'request-crlf',
    'request-signal',
    'request.js',
    'response-queue',
    'socket-back',
    'stream-compat',
    'sync-error',
    'trailers',
    'upgrade-crlf',
  ],
  'test/interceptors': ['redirect'],
  'test/node-test': [
    'abort-',
    'agent',
    'client-errors',
    'keep-alive-reuse',
    'large-body',
    'unix',
    'validations',
  ],
  'test/node-fetch': ['headers', 'main', 'request', 'response'],
  'test/fetch': [
    '401',
    '407',
    'abort',
    'about-uri',
    'blob-uri',
    'client-error',
    'client-fetch',
    'content-length',
    'cookies',
    'encoding',
    'exiting',
    'fetch-timeouts',
    'fetch-url',
    'fire-and-forget',
    'formdata.js',
    'headers-case',
    'headers.js',
    'integrity',
    'issue-1711',
    'issue-2009',
    'issue-2021',
    'issue-2171',
    'issue-2242',
    'issue-2294',
    'issue-2318',
    'issue-2898.js',
    'issue-3267',
    'issue-3334',
    'issue-36',
    'issue-3767',
    'issue-4',
    'issue-5',
    'issue-rsshub',
    'issue-node',
    'iterators',
    'pull-dont-push',
    'range',
    'readable-stream-from',
    'redirect',
    'referrrer',
    'request.js',
    'response-json',
    'response.js',
    'user-agent',
  ],
}

/** What stands in there of what is none of ours: their classes, their mocks, their caches. */
const left = /issue-3630|issue-4105|redirect-issue|retry/

export function run(folder, { own }) {
  const files = Object.entries(chosen).flatMap(([path, beginnings]) =>
    readdirSync(join(folder, path))
      .filter(
        (name) => name.endsWith('.js') && beginnings.some((it) => name.startsWith(it)) && !left.test(name),
      )
      .map((name) => `${path}/${name}`),
  )
  const env = { ...process.env, FAIRLEAD_SUITE_FOLDER: folder, FAIRLEAD_SUITE_OWN: own ? '1' : '' }
  return runFiles(folder, files, here('hook.mjs'), env)
}
