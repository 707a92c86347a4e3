// Gives as many bytes as the path says, and takes any number: each has a value by its place, which is looked at here and
// there, but for `/zeros`. `/slowly` takes them with rests.

import { listen } from '@fairlead/http'

const period = 251
const piece = Uint8Array.from({ length: period * 512 }, (_, at) => at % period)

async function* pieces(size) {
  for (let sent = 0; sent < size; sent += piece.byteLength) yield piece.subarray(0, size - sent)
}

function take(body, target) {
  return new Promise((resolve, reject) => {
    let size = 0
    let sinceRest = 0
    body.handle({
      onData(chunk) {
        if (target !== '/zeros' && chunk[0] !== size % period) reject(new Error(`wrong at ${size}`))
        size += chunk.byteLength
        sinceRest += chunk.byteLength
        if (target !== '/slowly' || sinceRest < 80 * 1024 * 1024) return
        sinceRest = 0
        body.pause()
        setTimeout(() => body.resume(), 300)
      },
      onEnd: () => resolve(size),
      onClose: ({ error }) => reject(error),
    })
  })
}

const server = await listen(
  { host: '127.0.0.1', port: 0, maxBodySize: Infinity, onError: (error) => console.log(error.message) },
  async (exchange) => {
    const { method, target, body } = exchange.request
    if (method === 'GET') {
      const size = Number(target.slice(1))
      return exchange.respond(200, { 'Content-Length': String(size) }, pieces(size))
    }
    return exchange.respond(200, {}, String(await take(body, target)))
  },
)
console.log(`listening on 127.0.0.1:${server.address.port}`)
