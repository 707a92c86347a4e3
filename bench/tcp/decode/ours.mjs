import { lengthPrefixed } from '@fairlead/core/framing'
import { listen } from '@fairlead/tcp'

import { ready } from '../../server.mjs'

const listener = await listen({ port: 0 }, (stream) => {
  let count = 0
  lengthPrefixed(stream).handle({
    onData() {
      count++
    },
    onEnd() {
      stream.write(String(count))
      stream.end()
    },
  })
})
ready(listener.address.port)
