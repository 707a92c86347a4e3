import split2 from 'split2'

import { decodeWith } from './server.mjs'

decodeWith((source, onMessage) => {
  source.pipe(split2()).on('data', onMessage)
})
