// What the tests of @hono/node-server take for a server of node:http, on Fairlead's `serve`.

import { EventEmitter } from 'node:events'

import { serve as fairlead } from '../../packages/http/dist/index.js'

if (process.env.FAIRLEAD_SUITE_GLOBALS === '1') await import('../../packages/http/dist/globals.js')

class AdaptorServer extends EventEmitter {
  #options
  #server

  constructor({ fetch, createServer, serverOptions: { key, cert } = {} }) {
    super()
    this.#options = {
      fetch,
      http2: /http2/i.test(createServer?.name),
      tls: cert === undefined ? {} : { tls: { key, cert } },
    }
  }

  listen(port = 0, ...rest) {
    const callback = rest.find((it) => typeof it === 'function')
    if (callback) this.once('listening', callback)
    const host = rest.find((it) => typeof it === 'string') ?? '127.0.0.1'
    const { fetch, http2, tls } = this.#options
    if (http2) throw new Error('Fairlead speaks no HTTP/2')
    const handler = (request, context) => fetch(request, context)
    fairlead({ host, port, idleGrace: 0, ...tls }, handler).then(
      (server) => {
        this.#server = server
        this.emit('listening')
      },
      (error) => this.emit('error', error),
    )
    return this
  }

  address() {
    if (!this.#server) return null
    const { host, family, port } = this.#server.address
    return { address: host, family: `IPv${family}`, port }
  }

  close(callback) {
    const closed = this.#server?.close({ grace: 1000 })
    this.#server = undefined
    void Promise.resolve(closed).then(() => {
      callback?.()
      this.emit('close')
    })
    return this
  }
}

export const createAdaptorServer = (options) => new AdaptorServer(options)

export const serve = (options, callback) => {
  const server = createAdaptorServer(options)
  return server.listen(options.port ?? 3000, options.hostname ?? '::', () => callback?.(server.address()))
}
