export { load } from '../sink.mjs'

export const peer = new URL('../send/peer.mjs', import.meta.url)
