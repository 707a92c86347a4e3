import { once } from 'node:events'
import { connect } from 'node:net'

import { batch } from './chunks.mjs'

/** Messages of 64 bytes in a round. */
export const units = 64 * batch

/** Asks the server to decode as many messages, which it has in memory: what is measured is the decoding alone. */
export async function load(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  let told = ''
  socket.on('data', (chunk) => (told += chunk))
  socket.end(String(units))
  await once(socket, 'close')
  if (told !== String(units)) throw new Error(`${told} messages were decoded, not ${units}`)
}
