import { listen } from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'

import { count } from '../sink.mjs'

export { load } from '../sink.mjs'
export const peer = new URL('../send/peer.mjs', import.meta.url)

// Both ends speak it: what counts is messages that came out again. One datagram each goes to the other sink.
const listener = await listen({}, (session) => {
  bundle(session).handle({ onData: () => count() })
})
process.env.BENCH_BUNDLE_SINK = String(listener.address.port)
