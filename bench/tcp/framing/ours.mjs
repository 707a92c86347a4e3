import { lengthPrefixed } from '@fairlead/core/framing'
import { fromDuplex } from '@fairlead/core/node'

import { decodeWith } from './server.mjs'

decodeWith((source, onMessage) => {
  lengthPrefixed(fromDuplex(source)).handle({ onData: onMessage })
})
