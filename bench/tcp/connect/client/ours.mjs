import { connect } from '@fairlead/tcp'

import { message, visiting } from './visits.mjs'

visiting(async (port) => {
  const connection = await connect({ port })
  let missing = message.length
  connection.handle({
    onData(chunk) {
      missing -= chunk.length
      if (missing === 0) connection.end()
    },
  })
  connection.write(message)
  await connection.closed
})
