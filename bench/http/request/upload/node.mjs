import { once } from 'node:events'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { pieces, working } from '../../asked.mjs'

working(async ({ url, mebibytes }) => {
  const outgoing = request(url, { method: 'PUT' })
  const answered = once(outgoing, 'response')
  await pipeline(Readable.from(pieces(mebibytes)), outgoing)
  const [response] = await answered
  response.resume()
  await once(response, 'end')
})
