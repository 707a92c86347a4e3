/**
 * Requests and answers over datagrams: asked again when lost, executed once. What goes over the wire stands
 * in docs/wire/REQUEST.md.
 *
 * @packageDocumentation
 */
import type { Address, DatagramSocket } from '@fairlead/core'

import { type RequestsOptions, requestsSettings } from './request/options.ts'
import { RequestEndpoint, type RequestSocket } from './request/request-socket.ts'
import type { RequestTarget } from './request/target.ts'

export type { AnswerMemoryLimits, RequestsOptions } from './request/options.ts'
export type { RequestOptions, RetryBackoff } from './request/request-options.ts'
export type { RequestSocket } from './request/request-socket.ts'
export type { RequestStats } from './request/stats.ts'
export type { RequestTarget } from './request/target.ts'

/**
 * Sends requests over a datagram socket, and answers those of others; each side may do both. A request or an
 * answer that is lost is made good by retries, and a request that comes again is answered from memory instead
 * of being executed again.
 *
 * From this call on the socket belongs to what is returned: its handler slot is taken, and closing the one
 * closes the other. Datagrams of anything else on the same port go to `onDatagram`.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * const server = requests(await bind({ port: 7000 }), { messages: 'text', answer: (question) => `${question} 42` })
 * const client = requests(await bind(), { messages: 'text' })
 * console.log(await client.request('six by nine?', { to: { host: '127.0.0.1', port: 7000 }, timeout: 2_000 }))
 * await client.close()
 * await server.close()
 * ```
 */
export function requests<From extends Address & To, To extends RequestTarget>(
  socket: DatagramSocket<From, To>,
  options: RequestsOptions<From, string> & { messages: 'text' },
): RequestSocket<From, To, string>
export function requests<From extends Address & To, To extends RequestTarget>(
  socket: DatagramSocket<From, To>,
  options?: RequestsOptions<From, Uint8Array> & { messages?: 'binary' },
): RequestSocket<From, To, Uint8Array>
export function requests<From extends Address & To, To extends RequestTarget, M>(
  socket: DatagramSocket<From, To>,
  options: RequestsOptions<From, M> = {},
): RequestSocket<From, To, M> {
  return new RequestEndpoint(socket, requestsSettings(options))
}
