import { request } from '@fairlead/http'

import { working } from '../../asked.mjs'

working(async ({ url }) => {
  const { body } = await request(url)
  let bytes = 0
  for await (const chunk of body) bytes += chunk.byteLength
  return { bytes }
})
