import { request } from 'undici'

import { pieces, working } from '../../asked.mjs'

working(async ({ url, mebibytes }) => {
  const { body } = await request(url, { method: 'PUT', body: pieces(mebibytes) })
  await body.dump()
})
