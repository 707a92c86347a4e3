import { type FetchHandler, type HttpListener, type HttpListenOptions } from '../../src/index.ts'
import { proxy, type ProxyOptions, type ReverseProxy } from '../../src/proxy/index.ts'
import { type RawServer, rawWays } from '../client/raw-server.ts'
import { RawClient } from '../server/client.ts'
import { type Way, ways } from '../server/ways.ts'

/** A way on which a client, a proxy and a server meet. */
export interface Stage {
  readonly name: string
  readonly raw: (typeof rawWays)[number]
  readonly way: Way
}

export const stages: readonly Stage[] = rawWays.map((raw, at) => ({ name: raw.name, raw, way: ways[at]! }))

/** For tests of which the transport is no part. */
export const memory = stages[0]!
export const sockets = stages[1]!

/** A proxy that is served, in front of somebody. */
export interface Front extends AsyncDisposable {
  readonly proxy: ReverseProxy
  readonly server: HttpListener
  /** What `onError` of the proxy, and of the server, heard. */
  readonly errors: unknown[]
  readonly strays: unknown[]
  client(options?: { stay?: boolean }): Promise<RawClient>
}

export interface FrontOptions {
  readonly proxy?: ProxyOptions
  readonly serve?: HttpListenOptions
  /** Around the proxy. */
  readonly handler?: (app: ReverseProxy) => FetchHandler
}

/** A proxy in front of `target`. */
export async function front(
  { way }: Pick<Stage, 'way'>,
  target: Parameters<typeof proxy>[0],
  { proxy: options, serve = {}, handler = (app) => app }: FrontOptions = {},
): Promise<Front> {
  const errors: unknown[] = []
  const strays: unknown[] = []
  const app = proxy(target, { onError: (error) => void errors.push(error), via: 'front', ...options })
  const server = await way.serve(handler(app), { onError: (error) => void strays.push(error), ...serve })
  return {
    proxy: app,
    server,
    errors,
    strays,
    client: async (given) => new RawClient(await way.connect(server), given),
    async [Symbol.asyncDispose]() {
      await server.close({ grace: 0 })
      await app.close({ grace: 0 })
    },
  }
}

/** A proxy in front of a server that says what a test wants. */
export function before(stage: Stage, server: RawServer, options: FrontOptions = {}): Promise<Front> {
  return front(stage, server.url, { ...options, proxy: { ...connects(server), ...options.proxy } })
}

function connects({ options }: RawServer): ProxyOptions {
  return options.connect ? { connect: options.connect } : {}
}

/** The lines of the first head in `text`. */
export function lines(text: string): string[] {
  return text.split('\r\n\r\n', 1)[0]!.split('\r\n')
}
