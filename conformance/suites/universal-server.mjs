// What the tests of srvx take for its server, on Fairlead's `serve`. Middleware and plugins are srvx's own affair, and
// its own code.

import { serve as fairlead } from '../../packages/http/dist/index.js'

if (process.env.FAIRLEAD_SUITE_GLOBALS === '1') await import('../../packages/http/dist/globals.js')

class UniversalServer {
  runtime = 'node'
  #server
  #starting

  constructor(options, { wrapFetch, errorPlugin }) {
    this.options = { ...options, middleware: [...(options.middleware ?? [])] }
    for (const plugin of options.plugins ?? []) plugin(this)
    errorPlugin(this)
    this.fetch = wrapFetch(this)
    this.node = { server: { address: () => this.#address() } }
    if (!options.manual) this.serve().catch(() => {})
  }

  serve() {
    return (this.#starting ??= this.#start())
  }

  ready() {
    return this.serve()
  }

  get url() {
    const address = this.#address()
    return address && `${this.options.tls ? 'https' : 'http'}://127.0.0.1:${address.port}/`
  }

  close(force = false) {
    return this.#server?.close({ grace: force ? 0 : 5000 })
  }

  async #start() {
    const { port = 0, tls, node, maxRequestBodySize } = this.options
    if (node?.http2) throw new Error('Fairlead speaks no HTTP/2')
    const size = maxRequestBodySize === undefined ? {} : { maxBodySize: maxRequestBodySize }
    const secure = tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key } }
    const options = { host: '127.0.0.1', port: Number(port), idleGrace: 0, ...size, ...secure }
    this.#server = await fairlead(options, (request, context) => this.fetch(extended(request, context)))
    return this
  }

  #address() {
    return this.#server ? { address: '127.0.0.1', port: this.#server.address.port } : null
  }
}

/** What srvx adds to a request. */
function extended(request, context) {
  Object.defineProperties(request, {
    ip: { value: context.remoteAddress.host },
    runtime: { value: { name: 'node' } },
    waitUntil: { value: (promise) => context.waitUntil?.(promise) },
    context: { value: {}, writable: true },
  })
  return request
}

export const serveWith = (parts) => (options) => new UniversalServer(options, parts)
