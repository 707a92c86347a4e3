import { Fields } from '../../src/codec/index.ts'
import { IncomingBody } from '../../src/message/body.ts'
import type { Exchange } from '../../src/server/exchange.ts'

export interface Asked {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  readonly raw?: readonly string[]
  /** Its pieces; none comes without. */
  readonly body?: readonly string[]
}

/** An exchange as far as a request is made of it, with the controller of its signal. */
export function exchangeOf(asked: Asked): { exchange: Exchange; controller: AbortController } {
  const { method = 'GET', target = '/', host = 'example', raw = [], body } = asked
  const controller = new AbortController()
  const incoming = new IncomingBody({ flow() {}, fail() {} })
  for (const piece of body ?? []) incoming.push(Buffer.from(piece))
  incoming.finish()
  const request = {
    method,
    target,
    form: target.startsWith('/') ? 'origin' : target === '*' ? 'asterisk' : 'absolute',
    headers: new Fields(raw),
    hasBody: body !== undefined,
    body: incoming,
  }
  const exchange = { request, signal: controller.signal, client: { protocol: 'http', host } }
  return { exchange: exchange as unknown as Exchange, controller }
}
