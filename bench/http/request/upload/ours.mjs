import { request } from '@fairlead/http'

import { pieces, working } from '../../asked.mjs'

working(async ({ url, mebibytes }) => {
  const response = await request(url, { method: 'PUT', body: pieces(mebibytes) })
  await response.bytes()
})
