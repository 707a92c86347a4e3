import { Writable } from 'node:stream'

import { stream } from 'undici'

import { working } from '../../asked.mjs'

working(async ({ url }) => {
  let bytes = 0
  const write = (chunk, encoding, written) => {
    bytes += chunk.length
    written()
  }
  await stream(url, { method: 'GET' }, () => new Writable({ write }))
  return { bytes }
})
