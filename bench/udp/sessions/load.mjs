import { floodFrom } from '../flood.mjs'

/** 200 peers. */
export const flood = floodFrom(200)
export const peer = new URL('../receive/peer.mjs', import.meta.url)
