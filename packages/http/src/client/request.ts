import type { Response } from '../web/response.ts'
import type { RuntimeRequest } from '../web/runtime.ts'
import { Client, type Upgraded, type UpgradeOptions } from './client.ts'
import type { DownloadOptions, SavedFile } from './download/options.ts'
import type { RequestOptions } from './options.ts'
import type { IncomingResponse } from './response.ts'

let common: Client | undefined

/** The client behind the functions, which is made for the first of them and never closed. */
function shared(): Client {
  return (common ??= new Client())
}

/**
 * Sends a request, and resolves with its answer as soon as the head of that is there, whatever its status. On one
 * client that all callers share; make a {@link Client} for other pools, limits or defaults.
 *
 * @throws TypeError or RangeError that names the option, before anything is sent; RequestError when no answer comes;
 *   `signal.reason` when aborted.
 * @example
 * ```ts
 * const response = await request('http://127.0.0.1:8080/items', { json: { name: 'rope' } })
 * console.log(response.status, await response.json())
 * ```
 */
export function request(url: string | URL, options?: RequestOptions): Promise<IncomingResponse> {
  return shared().request(url, options)
}

/**
 * `fetch` of the Fetch standard on our own client. It rejects with a `TypeError` that says what happened, with the
 * RequestError as its cause.
 *
 * @example
 * ```ts
 * const response = await fetch('http://127.0.0.1:8080/items')
 * console.log(response.status, await response.json())
 * ```
 */
export function fetch(input: string | URL | RuntimeRequest, init?: RequestInit): Promise<Response> {
  return shared().fetch(input, init)
}

/** Saves what a URL answers with; see {@link Client.download}. */
export function download(
  url: string | URL,
  path: string | URL,
  options?: RequestOptions & DownloadOptions,
): Promise<SavedFile> {
  return shared().download(url, path, options)
}

/** Asks the server to go on with another protocol; see {@link Client.upgrade}. */
export function upgrade(url: string | URL, options: UpgradeOptions): Promise<Upgraded> {
  return shared().upgrade(url, options)
}
