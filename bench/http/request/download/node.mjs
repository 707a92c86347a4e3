import { once } from 'node:events'
import { get } from 'node:http'

import { working } from '../../asked.mjs'

working(async ({ url }) => {
  const [response] = await once(get(url), 'response')
  let bytes = 0
  response.on('data', (chunk) => (bytes += chunk.length))
  await once(response, 'end')
  return { bytes }
})
